import QuintetFiles
import QuintetTraining
import Testing

/// Rows of every format, and files that are wrong.
@Suite struct AdaptDataTests {
    func read(_ name: String, _ text: String, _ body: (AdaptData) throws -> Void = { _ in }) throws {
        try withScratch { folder in
            let path = Folder.join(folder, name)
            try AtomicFile.write(path, text)
            var data = try AdaptData.read(path)
            data.holdOut(seed: 42)
            try body(data)
        }
    }

    func error(_ name: String, _ text: String) throws -> FileError? {
        var found: FileError?
        try withScratch { folder in
            let path = Folder.join(folder, name)
            try AtomicFile.write(path, text)
            found = thrown(FileError.self) { _ = try AdaptData.read(path) }
        }
        return found
    }

    static let formats: [(name: String, row: String)] = [
        ("text", #"{"text": "once upon a time"}"#), ("prompt-completion", #"{"prompt": "a", "completion": " b"}"#),
        ("messages", #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "tools": []}"#),
        ("alpaca", #"{"instruction": "a", "input": "c", "output": "b", "system": "", "history": [["x", "y"]]}"#),
        ("sharegpt", #"{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "tools": "[]"}"#),
        ("preference", #"{"prompt": "a", "chosen": "b", "rejected": "c"}"#),
        ("preference", #"{"prompt": [{"role": "user", "content": "a"}], "chosen": [{"role": "assistant", "content": "b"}], "rejected": [{"role": "assistant", "content": "c"}]}"#),
        ("preference", #"{"conversations": [{"from": "human", "value": "a"}], "chosen": {"from": "gpt", "value": "b"}, "rejected": {"from": "gpt", "value": "c"}}"#),
        ("preference", "{\"chosen\": \"\\n\\nHuman: a\\n\\nAssistant: b\", \"rejected\": \"\\n\\nHuman: a\\n\\nAssistant: bad\"}"),
        ("labelled text", #"{"text": "good", "label": "pos"}"#), ("labelled text", #"{"sentence": "good", "label": 1}"#),
        ("tagged words", #"{"tokens": ["a", "b"], "tags": ["O", "X"]}"#),
    ]

    @Test(arguments: formats) func detects(format: (name: String, row: String)) throws {
        try read("rows.jsonl", format.row + "\n\n" + format.row + "\n") { data in
            #expect(data.format == format.name)
            #expect(data.train.count == 2 && data.validation.isEmpty && data.copies == 1 && data.skipped.isEmpty)
        }
        try read("rows.json", "[\(format.row),\n\(format.row)]") { #expect($0.format == format.name && $0.train.count == 2) }
    }

    @Test func sharedBeginningOfDialoguesIsThePrompt() throws {
        let row = #"{"chosen": "\n\nHuman: hi\n\nAssistant: hello there", "rejected": "\n\nHuman: hi\n\nAssistant: hello you"}"#
        try read("pairs.jsonl", row + "\n") { data in
            guard case .preference(.completion(let prompt, let chosen), .completion(_, let rejected)) = data.train[0].example else { return #expect(Bool(false)) }
            #expect(prompt == "\n\nHuman: hi\n\nAssistant:" && chosen == " hello there" && rejected == " hello you")
        }
    }

    @Test func alpacaBecomesAConversation() throws {
        try read("rows.jsonl", Self.formats[3].row) { data in
            guard case .conversation(let talk) = data.train[0].example else { return #expect(Bool(false)) }
            #expect(talk.messages.compactMap { $0["content"]?.string } == ["x", "y", "a\nc", "b"])
            #expect(talk.messages.compactMap { $0["role"]?.string } == ["user", "assistant", "user", "assistant"])
        }
    }

    @Test func tablesHaveQuotesAndTabs() throws {
        try read("a.csv", "text,label\r\n\"one, \"\"two\"\"\nthree\",pos\r\nfour,neg\r\n") { data in
            #expect(data.train.count + data.validation.count == 2)
            let texts = (data.train + data.validation).map { row in if case .labelled(let text, _) = row.example { text } else { "" } }
            #expect(Set(texts) == ["one, \"two\"\nthree", "four"])
        }
        try read("a.tsv", "sentence\tlabel\na \"loose\" quote\t1\nb\t0\n") { #expect($0.train.count == 2 && $0.format == "labelled text") }
    }

    @Test func errorsNameTheLine() throws {
        let good = #"{"text": "a"}"#
        #expect(try error("a.jsonl", "\(good)\n{\"text\": \n")?.line == 2)
        #expect(try error("a.jsonl", "\(good)\n[1]\n")?.line == 2)
        #expect(try error("a.csv", "text,label\na,b\nc\n")?.line == 3)
        #expect(try error("a.csv", "text,label\n\"a,b\n")?.line == 2)
        #expect(try error("a.csv", "text,text\na,b\n")?.field == "text")
        let mixed = try error("a.jsonl", "\(good)\n\(good)\n{\"prompt\": \"a\", \"completion\": \"b\"}\n")
        #expect(mixed?.line == 3 && mixed?.description.contains("mixed") == true && mixed?.found == "prompt-completion")
        let unknown = try error("a.jsonl", "{\"body\": 1}\n")
        #expect(unknown?.line == 1 && unknown?.found?.contains("body") == true)
        #expect(try error("a.jsonl", "\n\n")?.what == "the file holds no rows")
        #expect(try error("a.json", "[1, 2]")?.what == "row 1 is no object")
    }

    @Test func rowsThatLackSomethingAreCounted() throws {
        try read("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"\"}\n{\"text\": 3}\n{\"title\": \"x\"}\n{\"text\": \"b\"}\n") { data in
            #expect(data.train.count + data.validation.count == 2)
            #expect(data.skipped.map(\.position.number) == [2, 3, 4])
            #expect(data.skipped.map(\.position.description)[0] == "a.jsonl, line 2")
            #expect(data.skipped[2].reason.contains("missing"))
        }
        #expect(try error("a.jsonl", "{\"text\": \"\"}\n")?.what.contains("none of the 1 rows") == true)
    }

    @Test func judgedAnswersAreNotTakenForCompletions() throws {
        #expect(try error("kto.jsonl", #"{"prompt": "a", "completion": "b", "label": false}"#)?.found?.contains("KTO") == true)
    }

    @Test func foldersHaveSplits() throws {
        try withScratch { folder in
            for (name, count) in [("train", 3), ("validation", 2), ("test", 1)] {
                try AtomicFile.write(Folder.join(folder, "\(name).jsonl"), String(repeating: "{\"text\": \"\(name)\"}\n", count: count))
            }
            let data = try AdaptData.read(folder)
            #expect(data.train.count == 3 && data.validation.count == 2 && data.test.count == 1 && data.files.count == 3)
            try Folder.remove(Folder.join(folder, "train.jsonl"))
            #expect(thrown(FileError.self) { _ = try AdaptData.read(folder) }?.expected?.contains("train.jsonl") == true)
        }
    }

    @Test func marksAndLineEndsOfWindows() throws {
        try read("rows.jsonl", "\u{FEFF}{\"text\": \"a\"}\r\n{\"text\": \"b\"}\r\n\r\n") { #expect($0.train.count + $0.validation.count == 2 && $0.skipped.isEmpty) }
        try read("rows.json", "\u{FEFF}[{\"text\": \"a\"},\r\n{\"text\": \"b\"}]\r\n") { #expect($0.train.count + $0.validation.count == 2) }
        try read("rows.csv", "\u{FEFF}text,label\r\na,x\r\nb,y\r\n\r\n") { data in
            let labels = (data.train + data.validation).map { if case .labelled(_, let label) = $0.example { label.string ?? "" } else { "" } }
            #expect(labels.sorted() == ["x", "y"])
        }
    }

    @Test func oneRowIsLearnedAndNothingHeldOut() throws {
        // Many copies of one row are learned from, not measured on, while another row is there.
        let copies = String(repeating: "{\"text\": \"a\"}\n", count: 30) + "{\"text\": \"b\"}\n"
        try read("rows.jsonl", copies) { #expect($0.train.count == 30 && $0.validation.count == 1) }
        try read("rows.jsonl", "{\"text\": \"a\"}") { #expect($0.train.count == 1 && $0.validation.isEmpty && $0.heldOut == "none") }
    }

    @Test func copiesAreCountedAndNeverOnBothSides() throws {
        let rows = (0..<200).map { "{\"text\": \"row \($0 % 40)\"}\n" }.joined()
        try read("rows.jsonl", rows) { data in
            #expect(data.train.count + data.validation.count == 200 && data.validation.count == 10)
            #expect(data.copies == data.train.count - 38 && data.seen == 0)
        }
        // Nothing to hold out but copies.
        try read("rows.jsonl", String(repeating: "{\"text\": \"a\"}\n", count: 30)) { #expect($0.validation.isEmpty && $0.train.count == 30 && $0.copies == 29) }
        try withScratch { folder in
            try AtomicFile.write(Folder.join(folder, "train.jsonl"), "{\"text\": \"a\"}\n{\"text\": \"b\"}\n")
            try AtomicFile.write(Folder.join(folder, "valid.jsonl"), "{\"text\": \"b\"}\n{\"text\": \"c\"}\n")
            #expect(try AdaptData.read(folder).seen == 1)
        }
    }

    @Test func columnsOfOtherNames() throws {
        try withScratch { folder in
            let path = Folder.join(folder, "a.csv")
            try AtomicFile.write(path, "id;x,Question Text,category\n1,\"who, me?\",HUM\n2,where,LOC\n")
            let unknown = thrown(FileError.self) { _ = try AdaptData.read(path) }
            #expect(unknown?.description.contains("--text-field") == true && unknown?.found?.contains("Question Text") == true)
            let data = try AdaptData.read(path, fields: FieldNames(text: "Question Text", label: "category"))
            #expect(data.format == "labelled text" && data.train.count + data.validation.count == 2)
            let wrong = thrown(FileError.self) { _ = try AdaptData.read(path, fields: FieldNames(text: "Question", label: "category")) }
            #expect(wrong?.field == "Question" && wrong?.expected?.contains("Question Text") == true)
        }
    }

    @Test func whatIsNoFileOfRowsSaysWhatToDo() throws {
        #expect(try error("novel.txt", "Call me Ishmael.\n")?.hint?.contains("quintet gather") == true)
        #expect(try error("rows.parquet", "PAR1")?.hint?.contains("CSV") == true)
        let unknown = try error("a.jsonl", "{\"question\": \"q\", \"answer\": \"a\"}\n")
        #expect(unknown?.expected?.contains("messages") == true && unknown?.found?.contains("question, answer") == true)
    }

    @Test func tablesOfSpreadsheets() throws {
        try read("a.csv", "Text;Label\r\nhello, you;pos\r\nbye;neg\r\n") { data in
            #expect(data.format == "labelled text" && data.train.count + data.validation.count == 2)
            let texts = Set((data.train + data.validation).map { if case .labelled(let text, _) = $0.example { text } else { "" } })
            #expect(texts == ["hello, you", "bye"])
        }
    }

    /// Rows that would be learned as something else than what they are.
    @Test(arguments: [
        (#"{"messages": "x"}"#, "expected a list of messages"), (#"{"messages": []}"#, "found none"),
        (#"{"messages": [{"role": "user", "content": 5}]}"#, "content: expected text"), (#"{"messages": [{"role": "assistant", "content": null}]}"#, "no content"),
        (#"{"conversations": [{"from": "martian", "value": "a"}]}"#, "martian"), (#"{"conversations": "x"}"#, "expected a list of messages"),
    ]) func messagesAreNotGuessed(row: String, part: String) throws {
        let problem = try error("rows.jsonl", row)
        #expect("\(problem.map { "\($0)" } ?? "")".contains(part), "\(problem.map { "\($0)" } ?? "nothing")")
    }

    @Test func contentInPartsIsOneText() throws {
        let row = #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": "b "}, {"type": "text", "text": "c"}]}]}"#
        try read("rows.jsonl", row) { data in
            guard case .conversation(let talk) = data.train[0].example else { return #expect(Bool(false)) }
            #expect(talk.messages[1]["content"] == "b c")
        }
        let image = try error("rows.jsonl", #"{"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]}"#)
        #expect(image?.found?.contains("other kinds") == true)
    }
}
