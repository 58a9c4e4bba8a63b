import QuintetFiles
import QuintetGeneration
import Testing

/// Random walks through a constraint: every text that ends is one that the format admits.
struct RandomWalk {
    var random: SystemlessRandom
    let tokens: [[UInt8]]
    let end: Int32
    let trie: TokenTrie

    init(seed: UInt64) {
        random = SystemlessRandom(state: seed)
        let longer = ["{\"", "\":", "\": ", ", \"", "\"}", "true", "null", "12", "],", "}}", "[]", " \n", "ab", "é", "日本", "\\n", "\\u00", "name", "99", "2024-"]
        tokens = (0...255).map { [UInt8($0)] } + longer.map { Array($0.utf8) } + [[]]
        end = Int32(tokens.count - 1)
        trie = TokenTrie(tokens, ends: [end])
    }

    /// A text of at most `most` tokens; nil where it was not whole by then.
    mutating func text(_ constraint: TokenConstraint, most: Int = 1500) throws -> [UInt8]? {
        var state = constraint.start
        var text: [UInt8] = []
        var logits = [Float](repeating: 0, count: tokens.count)
        for step in 0..<most {
            if state.isComplete { return text }
            for index in logits.indices { logits[index] = 1 }
            try logits.withUnsafeMutableBufferPointer { try state.restrict($0) }
            let allowed = logits.indices.filter { logits[$0] > 0 }
            let closing = allowed.filter { [0x22, 0x5D, 0x7D, 0x30, 0x6E, Int(end)].contains($0) }
            let choices = step > 40 && !closing.isEmpty && random.next() % 4 != 0 ? closing : allowed
            let id = Int32(choices[Int(random.next() % UInt64(choices.count))])
            try state.accept(id)
            if id == end { return text }
            text += tokens[Int(id)]
        }
        return nil
    }
}

/// SplitMix64: the same walks in every run.
struct SystemlessRandom {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct GrammarTests {
    private func matches(_ grammar: String, _ text: String) throws -> Bool { try OutputFormat.gbnf(grammar).matches(text.utf8) }

    @Test func admitsWhatTheGrammarSays() throws {
        let arithmetic = """
            # sums
            root  ::= term (("+" | "-") term)*
            term  ::= number | "(" root ")"   # nested
            number ::= "-"? [1-9] [0-9]{0,3} |
                       "0"
            """
        for text in ["1", "0", "-12+3", "(1+2)-(3)", "((((7))))"] { #expect(try matches(arithmetic, text), "\(text)") }
        for text in ["", "01", "1+", "(1", "12345", "1++2", "1)"] { #expect(try !matches(arithmetic, text), "\(text)") }
        #expect(try matches("root ::= [^\"\\\\\\n]{2,} \"\\x41\\u00e9\\U0001F600\"", "日本Aé😀"))
        #expect(try !matches("root ::= [^\"\\\\\\n]{2,}", "a\n"))
        #expect(try matches("root ::= . . \"x\"?", "é😀"))
        #expect(try matches("root ::= \"a\" * [b] {2} (\"x\" | \"y\")\t+\nother ::= \"z\"", "aabbxy"))
        #expect(try matches("root ::= a b\na ::= \"a\" | \n  \"aa\"\nb ::= (\n \"b\"\n | \"c\" )+", "aabcb"))
        #expect(try matches("root ::= \"a\"{3}", "aaa") && !matches("root ::= \"a\"{3}", "aa"))
        #expect(try matches("root ::= (\"a\"*)*", "aaa") && matches("root ::= (\"a\"*)*", ""))
        #expect(try matches("root ::= [a-c-]+ [\\]]?", "a-c]"))
    }

    @Test func refusesWhatIsNoGrammar() {
        let cases: [(String, ConstraintError.Kind)] = [
            ("", .syntax), ("root", .syntax), ("root ::= x", .syntax), ("a ::= \"a\"", .syntax), ("root ::= \"a", .syntax), ("root ::= [a", .syntax),
            ("root ::= (\"a\"", .syntax), ("root ::= \"a\" )", .syntax), ("root ::= \"\\q\"", .syntax), ("root ::= [z-a]", .syntax),
            ("root ::= \"a\"{2,1}", .syntax), ("root ::= \"a\"{x}", .syntax), ("root ::= root \"a\" | \"b\"", .unsupported),
            ("root ::= a \"x\"\na ::= b\nb ::= \"\" root", .unsatisfiable), ("root ::= root", .unsatisfiable), ("root ::= \"a\" root", .unsatisfiable),
            ("root ::= \"a\"\nroot ::= \"b\"", .syntax), ("root ::= <think>", .unsupported), ("root ::= \"a\"{99999999}", .limit),
            ("root ::= " + String(repeating: "(", count: 60_000), .limit),
            ("root ::= [\\U99999999]", .syntax), (String(repeating: "#", count: 2 << 20), .limit),
        ]
        for (text, kind) in cases {
            let error = #expect(throws: ConstraintError.self) { try OutputFormat.gbnf(text) }
            #expect(error?.kind == kind, "\(text.prefix(60)): \(error.map { "\($0)" } ?? "")")
        }
    }

    @Test func walksEndInTheGrammar() throws {
        let grammars = [
            "root ::= \"yes\" | \"no\"", "root ::= [a-z]+ (\" \" [a-z]+){0,5}", "root ::= item+\nitem ::= \"- \" [^\\n]{1,20} \"\\n\"",
            "root ::= \"(\" root? \")\" | [0-9]", "root ::= [α-ω日本]{1,9}",
        ]
        var walk = RandomWalk(seed: 5)
        for grammar in grammars {
            let format = try OutputFormat.gbnf(grammar)
            let constraint = try TokenConstraint(format, trie: walk.trie)
            var whole = 0
            for _ in 0..<20 {
                guard let text = try walk.text(constraint) else { continue }
                whole += 1
                #expect(try format.matches(text) && String(validating: text, as: UTF8.self) != nil)
            }
            #expect(whole > 10, "\(grammar)")
        }
    }

    @Test func masksAreWhatTheWalkOfOneTokenSays() throws {
        let walk = RandomWalk(seed: 1)
        let constraint = try TokenConstraint(try OutputFormat.gbnf("root ::= \"tr\" \"ue\"? | \"12\" [0-9]* \"name\""), trie: walk.trie)
        var state = constraint.start
        for byte in "12".utf8 { try state.accept(Int32(byte)) }
        for id in walk.tokens.indices where !walk.tokens[id].isEmpty {
            var next = state
            let works = (try? next.accept(Int32(id))) != nil
            #expect(try state.allows(Int32(id)) == works, "\(id)")
        }
        #expect(!state.accepts && !state.isComplete)
        #expect(throws: ConstraintError.self) { try state.accept(0x78) }
        for byte in "name".utf8 { try state.accept(Int32(byte)) }
        #expect(state.accepts && state.isComplete)
    }

    @Test func aVocabularyThatCannotSpellItIsRefused() throws {
        let trie = TokenTrie([Array("ab".utf8), Array("a".utf8), []], ends: [2])
        #expect(throws: ConstraintError.self) { try TokenConstraint(try OutputFormat.gbnf("root ::= \"xyz\""), trie: trie) }
        #expect(throws: ConstraintError.self) { try TokenConstraint(try OutputFormat.gbnf("root ::= [0-9]"), trie: trie) }
    }
}

@Suite struct JSONSchemaTests {
    private func admits(_ schema: JSON, _ text: String) throws -> Bool { try OutputFormat.jsonSchema(schema).matches(text.utf8) }

    @Test func admitsValidAndNotInvalid() throws {
        let person: JSON = [
            "type": "object", "properties": ["name": ["type": "string", "maxLength": 5], "age": ["type": "integer", "minimum": 0, "maximum": 130]],
            "required": ["name"], "additionalProperties": false,
        ]
        for text in ["{\"name\":\"Ann\"}", "{ \"name\": \"é😀\", \"age\": 130 }", "{\"name\":\"\\n\\u0041\",\"age\":0}"] { #expect(try admits(person, text), "\(text)") }
        for text in ["{}", "{\"age\":3}", "{\"name\":\"toolong\"}", "{\"name\":\"a\",\"age\":131}", "{\"name\":\"a\",\"x\":1}", "{\"name\":\"a\",}", "{\"name\":\"a\\ud800\"}"] {
            #expect(try !admits(person, text), "\(text)")
        }
        let range: JSON = ["type": "number", "minimum": 0.25, "maximum": 1.75]
        for text in ["0.250", "0.999", "1.000", "1.750"] { #expect(try admits(range, text), "\(text)") }
        for text in ["0.249", "1.751", "-0.500", "2.000", "0.25e9"] { #expect(try !admits(range, text), "\(text)") }
        #expect(try admits(["enum": [1, "a", nil, ["k": [1, 2]]]], "{\"k\":[1,2]}"))
        #expect(try admits(["type": "array", "items": ["$ref": "#"], "maxItems": 2], "[[], [[]]]"))
        #expect(try admits(["type": "string", "pattern": "^(a|b)\\d{2,3}$"], "\"b123\"") && !admits(["type": "string", "pattern": "^(a|b)\\d{2,3}$"], "\"b1\""))
        #expect(try admits(["type": "string", "pattern": "b"], "\"abc\"") && !admits(["type": "string", "pattern": "b"], "\"ac\""))
        // Hints of OpenAPI and pydantic say nothing about which texts are valid.
        for schema: JSON in [["type": "string", "format": "password"], ["type": "string", "format": "path", "minLength": 1], ["type": "string", "nullable": true]] {
            #expect(try admits(schema, "\"ab\""), "\(schema)")
        }
        #expect(try admits(["type": "string", "format": "uuid4"], "\"01234567-89ab-4cde-8f01-23456789abcd\""))
        #expect(try !admits(["type": "string", "format": "uuid4"], "\"01234567-89ab-1cde-8f01-23456789abcd\""))
        #expect(try admits(["type": "string", "format": "date"], "\"2024-02-28\"") && !admits(["type": "string", "format": "date"], "\"2024-13-01\""))
        #expect(try admits(["allOf": [["type": "integer"], ["minimum": 3], ["maximum": 9]]], "7") && !admits(["allOf": [["type": "integer"], ["minimum": 3]]], "2"))
    }

    @Test func refusesWhatItCannotHoldTo() {
        let cases: [(JSON, String?)] = [
            (["not": ["type": "null"]], "not"), (["type": "object", "patternProperties": ["^x": true]], "patternProperties"),
            (["type": "array", "uniqueItems": true], "uniqueItems"), (["type": "array", "contains": true], "contains"), (["$ref": "http://x"], "$ref"),
            (["$ref": "#/nope"], "$ref"), (["type": "string", "pattern": "(?=a)"], "pattern"), (["type": "string", "pattern": "(a)\\1"], "pattern"),
            (["type": "string", "format": "idn-email"], "format"), (["oneOf": [["type": "integer"], ["type": "number"]]], "oneOf"), (["foo": 1], "foo"),
            (["type": "strange"], "type"), (["type": "number", "multipleOf": 0.1], "multipleOf"), (["if": true], "if"), (["type": "integer", "minimum": 2, "maximum": 1], "minimum"),
            (false, nil), (["$ref": "#"], nil), (["allOf": [["type": "string"], ["type": "null"]]], nil), (["type": "object", "minProperties": 1], "minProperties"),
            (["type": "object", "properties": ["deep": ["type": "array", "items": ["not": true]]]], "not"),
        ]
        for (schema, keyword) in cases {
            let error = #expect(throws: ConstraintError.self) { try OutputFormat.jsonSchema(schema) }
            #expect(error?.keyword == keyword, "\(schema.serialized()): \(error.map { "\($0)" } ?? "")")
        }
        let deep = #expect(throws: ConstraintError.self) { try OutputFormat.jsonSchema(["properties": ["a": ["items": ["not": true]]]]) }
        #expect(deep?.place == "#/properties/a/items")
    }

    @Test func walksAreJSON() throws {
        let schemas: [JSON] = [
            [:], ["type": "object"], ["type": "array", "items": ["type": "number"], "minItems": 1], ["anyOf": [["type": "integer"], ["type": "string"]]],
            ["type": "object", "properties": ["a": ["type": "boolean"], "b": ["type": "string"]], "additionalProperties": ["type": "integer"]],
            ["$ref": "#/$defs/t", "$defs": ["t": ["type": "object", "properties": ["l": ["$ref": "#/$defs/t"], "v": ["type": "integer"]], "required": ["v"]]]],
            ["type": "number", "exclusiveMinimum": -1.5, "maximum": 22.25], ["type": "string", "format": "date-time"],
        ]
        var walk = RandomWalk(seed: 9)
        for schema in schemas {
            let format = try OutputFormat.jsonSchema(schema)
            let constraint = try TokenConstraint(format, trie: walk.trie)
            var whole = 0
            for _ in 0..<20 {
                guard let text = try walk.text(constraint) else { continue }
                whole += 1
                #expect(try format.matches(text))
                _ = try JSON.parse(String(decoding: text, as: UTF8.self))
            }
            #expect(whole > 5, "\(schema.serialized())")
        }
    }

    @Test func hostileSchemasEndSoon() {
        var nested: JSON = ["type": "null"]
        for _ in 0..<10 { nested = ["anyOf": [nested, ["type": "array", "items": nested]]] }
        _ = try? OutputFormat.jsonSchema(nested)
        let many = JSON.array((0..<30).map { ["anyOf": [["type": "object", "required": [.string("a\($0)")]], ["type": "object", "required": [.string("b\($0)")]]]] })
        #expect(throws: ConstraintError.self) { try OutputFormat.jsonSchema(["allOf": many]) }
        #expect(throws: ConstraintError.self) { try OutputFormat.jsonSchema(["type": "array", "items": true, "minItems": 1_000_000_000]) }
        #expect(throws: ConstraintError.self) { try OutputFormat.jsonSchema(["type": "string", "pattern": .string(String(repeating: "(", count: 10_000))]) }
    }
}
