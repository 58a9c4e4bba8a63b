import Foundation
import Testing

#if os(Linux)
    /// `quintet chat` at a terminal: prompts, commands, several lines, Ctrl-C in an answer and at the prompt.
    @Suite struct TerminalTests {
        private static let model = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../shared/data/weights/stories260K-hf").standardizedFileURL.path

        @Test(.enabled(if: FileManager.default.fileExists(atPath: model), "the reference data in ../shared is not here")) func aConversation() throws {
            let folder = try Program.scratch("terminal")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            // An answer that goes on until it is stopped: it could end only with a character that this model does not write.
            let grammar = "root ::= [a-z ]+ \"\\u4e00\""
            let chat = try Terminal(["chat", Self.model, "--max-tokens", "50000", "--context", "60000", "--temperature", "0", "--grammar", grammar])
            try chat.wait(for: "/help lists the commands.")
            try chat.wait(for: "> ")
            chat.type("/help\n")
            try chat.wait(for: "stops the answer")
            try chat.wait(for: "> ")

            chat.type("Once upon a time\n")
            try chat.wait(forCharacters: 200)
            chat.type(Terminal.interrupt)
            try chat.wait(for: "(stopped)")
            try chat.wait(for: "> ")
            chat.type("/save \(folder)/chat.json\n")
            try chat.wait(for: "Saved 2 messages.")
            #expect(try Program.text(folder + "/chat.json").contains("Once upon a time"))

            chat.type("/system Be brief.\n")
            try chat.wait(for: "A new conversation with this system message.")
            chat.type("/system\n")
            try chat.wait(for: "Be brief.")
            chat.type("/reset\n")
            try chat.wait(for: "A new conversation.")
            chat.type("/load \(folder)/chat.json\n")
            try chat.wait(for: "Loaded 2 messages.")
            chat.type("/load \(folder)/nothing.json\n")
            try chat.wait(for: "nothing.json")
            chat.type("/bogus\n")
            try chat.wait(for: "there is no command /bogus")
            try chat.wait(for: "> ")

            chat.type("\"\"\"\ntwo\n")
            try chat.wait(for: "… ")
            chat.type("lines\n\"\"\"\n")
            try chat.wait(forCharacters: 200)
            chat.type(Terminal.interrupt)
            try chat.wait(for: "(stopped)")
            try chat.wait(for: "> ")
            chat.type("half a line \(Terminal.interrupt)")
            try chat.wait(for: "/quit leaves.")
            chat.type("/save \(folder)/again.json\n")
            try chat.wait(for: "Saved 4 messages.")
            #expect(try Program.text(folder + "/again.json").contains("two\\nlines"))
            chat.type("/quit\n")
            #expect(chat.status() == 0)
        }

        @Test(.enabled(if: FileManager.default.fileExists(atPath: model), "the reference data in ../shared is not here")) func theEndOfInputLeaves() throws {
            let chat = try Terminal(["chat", Self.model, "--max-tokens", "8"])
            try chat.wait(for: "> ")
            chat.type(Terminal.end)
            #expect(chat.status() == 0)
        }
    }
#endif
