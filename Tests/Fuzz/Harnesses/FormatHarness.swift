import QuintetFiles
import QuintetGeneration

extension Harness {
    /// GBNF: read, then a walk of some tokens that the grammar has to allow.
    static let gbnf = Harness("gbnf", seeds: gbnfSeeds.map { Array($0.utf8) }) { bytes in
        try walk(try OutputFormat.gbnf(String(decoding: bytes, as: UTF8.self), budget: budget), bytes)
    }

    /// JSON schemas: read, then a walk of some tokens that the schema has to allow.
    static let jsonSchema = Harness("json-schema", seeds: schemaSeeds.map { Array($0.utf8) }) { bytes in
        let schema = try bytes.withUnsafeBytes { try JSON.parse($0, source: "fuzz") }
        try walk(try OutputFormat.jsonSchema(schema, budget: budget), bytes)
    }

    private static let budget: GrammarBudget = {
        var budget = GrammarBudget()
        // Small, or most inputs would be grammars that use a large one up.
        (budget.elements, budget.states, budget.repetitions, budget.depth) = (1 << 10, 1 << 8, 1 << 7, 32)
        return budget
    }()

    private static let tokens = (0...255).map { [UInt8($0)] } + ["{\"", "\":", ", \"", "true", "12", "ab", "é", "日本", "\\n", "\n  "].map { Array($0.utf8) } + [[]]
    private static let trie = TokenTrie(tokens, ends: [Int32(tokens.count - 1)])

    /// Takes tokens that are allowed, chosen by the input; what ends has to match.
    private static func walk(_ format: OutputFormat, _ bytes: [UInt8]) throws {
        var state = try TokenConstraint(format, trie: trie).start
        var text: [UInt8] = []
        var logits = [Float](repeating: 0, count: tokens.count)
        for step in 0..<12 where !state.isComplete {
            for index in logits.indices { logits[index] = 1 }
            try logits.withUnsafeMutableBufferPointer { try state.restrict($0) }
            let allowed = logits.indices.filter { logits[$0] > 0 }
            let id = allowed[(step * 7919 + bytes.count + Int(bytes[step % max(bytes.count, 1)])) % allowed.count]
            try state.accept(Int32(id))
            if tokens[id].isEmpty { break }
            text += tokens[id]
        }
        guard state.accepts else { return }
        let matches = try format.matches(text)
        precondition(matches, "a text that ended does not match")
    }

    private static let gbnfSeeds = [
        "root ::= \"yes\" | \"no\"", "root ::= term ((\"+\" | \"-\") term)*\nterm ::= [1-9] [0-9]{0,3} | \"(\" root \")\" # x",
        "root ::= [^\"\\\\\\n]{2,} \"\\x41\\u00e9\" . (\n \"a\"? | [a-z-]+ )*",
    ]
    private static let schemaSeeds = [
        #"{"type":"object","properties":{"a":{"type":"integer","minimum":-5,"maximum":50},"b":{"enum":["x",1,null]}},"required":["a"],"additionalProperties":false}"#,
        ##"{"anyOf":[{"$ref":"#/$defs/n"},{"type":"string","pattern":"^[a-c]{2,3}(x|y)?$"}],"$defs":{"n":{"type":"array","items":{"$ref":"#/$defs/n"},"maxItems":2}}}"##,
        #"{"allOf":[{"type":"number","exclusiveMinimum":0.5},{"maximum":9.25}],"title":"t"}"#,
    ]
}
