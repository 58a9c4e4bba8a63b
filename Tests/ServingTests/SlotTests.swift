import QuintetFiles
import QuintetGeneration
import QuintetServing
import QuintetTensors
import Testing

/// Keys and values of a text, saved to a file and brought back.
@Suite(.serialized) struct SlotTests {
    private let prompt = String(repeating: "abcdefgh", count: 20)

    private func ask(_ client: Client, _ header: String = "") -> (cached: Int?, text: String?) {
        let answer = client.post("/v1/completions", ["prompt": .string(prompt), "max_tokens": 20, "temperature": 0], header)
        return (answer?.json["usage"]?["prompt_tokens_details"]?["cached_tokens"]?.int, answer?.json["choices"]?[0]?["text"]?.string)
    }

    private func act(_ client: Client, _ action: String, _ file: String = "a.slot", slot: Int = 0, _ header: String = "") -> Client.Answer? {
        client.post("/slots/\(slot)?action=\(action)", ["filename": .string(file)], header)
    }

    /// Runs `body` with a folder for models and one for slots.
    private func withFolders(_ body: (_ models: String, _ slots: String) async throws -> Void) async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        for name in ["models", "slots"] { try Folder.create(Folder.join(folder, name)) }
        try await body(Folder.join(folder, "models"), Folder.join(folder, "slots"))
    }

    private func options(_ slots: String, _ change: (inout ServerOptions) -> Void = { _ in }) -> ServerOptions {
        var options = ServerOptions()
        options.slotFolder = slots
        options.parallel = 4
        change(&options)
        return options
    }

    @Test(arguments: CacheType.allCases) func aTextComesBackAfterARestart(_ type: CacheType) async throws {
        try await withFolders { models, slots in
            let model = Folder.join(models, "alpha")
            try TestModels.write(model)
            let options = options(slots) { $0.cacheType = type }
            var expected: String?
            try await withServer(options, [model]) { client in
                expected = ask(client).text
                let saved = try #require(act(client, "save"))
                #expect(saved.status == 200 && saved.json["n_saved"]?.int == 128, "\(saved.body)")
                #expect(try saved.json["n_written"]?.int == Folder.size(of: Folder.join(slots, "a.slot")))
                #expect(ask(client) == (128, expected))
                #expect(client.ask("POST /slots/0?action=erase HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?.json["n_erased"]?.int == 128)
                #expect(ask(client) == (0, expected))
            }
            try await withServer(options, [model]) { client in
                let restored = try #require(act(client, "restore", slot: 2))
                #expect(restored.status == 200 && restored.json["n_restored"]?.int == 128 && restored.json["id_slot"]?.int == 2, "\(restored.body)")
                #expect(ask(client) == (128, expected), "read from the file, and the same to the last bit")
                #expect(act(client, "restore")?.status == 200, "what is there already does no harm")
                #expect(ask(client) == (128, expected))
                #expect(try Folder.names(in: slots) == ["a.slot"])
            }
        }
    }

    @Test func damagedFilesAreRefused() async throws {
        try await withFolders { models, slots in
            let model = Folder.join(models, "alpha")
            try TestModels.write(model)
            try await withServer(options(slots), [model]) { client in
                let expected = ask(client).text
                #expect(act(client, "save")?.status == 200)
                #expect(client.ask("POST /slots/0?action=erase HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?.status == 200)
                let good = try readFile(Folder.join(slots, "a.slot"))
                let bad = Folder.join(slots, "b.slot")
                var places = [0, 7, 8, 9, 11, 12, 40, 200, good.count / 2, good.count - 33, good.count - 1]
                var state: UInt64 = 1
                for _ in 0..<60 {
                    state = state &* 6_364_136_223_846_793_005 &+ 1
                    places.append(Int(state >> 33) % good.count)
                }
                for place in places {
                    var bytes = good
                    bytes[place] ^= UInt8(1 << (place % 8))
                    try AtomicFile.write(bad, bytes)
                    let answer = try #require(act(client, "restore", "b.slot"))
                    #expect(answer.status == 400 && answer.json["error"]?["code"]?.string == "slot_file_invalid", "byte \(place): \(answer.body)")
                    #expect(!answer.body.contains(slots), "says nothing of folders")
                }
                for length in [0, 1, 8, 11, 12, 100, good.count / 2, good.count - 1] {
                    try AtomicFile.write(bad, good.prefix(length))
                    #expect(act(client, "restore", "b.slot")?.status == 400, "\(length) bytes")
                }
                try AtomicFile.write(bad, good + [0])
                #expect(act(client, "restore", "b.slot")?.status == 400)
                // Lengths that promise more than there is.
                for length: [UInt8] in [[255, 255, 255, 255], [0, 0, 1, 0], [0, 0, 0, 0]] {
                    try AtomicFile.write(bad, good.prefix(8) + length + good.dropFirst(12))
                    #expect(act(client, "restore", "b.slot")?.status == 400)
                }
                #expect(ask(client) == (0, expected))
            }
        }
    }

    @Test func filesOfSomethingElseAreRefused() async throws {
        try await withFolders { models, slots in
            let names = ["alpha", "beta"].map { Folder.join(models, $0) }
            for (index, name) in names.enumerated() { try TestModels.write(name, seed: UInt64(index + 3)) }
            let keys = Folder.join(models, "keys")
            try AtomicFile.write(keys, "sk-one one\nsk-two two\n")
            let (one, two) = ("Authorization: Bearer sk-one\r\n", "Authorization: Bearer sk-two\r\n")
            try await withServer(options(slots) { $0.keyFile = keys }, [names[0]]) { client in
                let expected = ask(client, one).text
                #expect(act(client, "save", two)?.status == 401)
                #expect(act(client, "save", "a.slot", two)?.json["error"]?["code"]?.string == "slot_empty", "it is somebody else's")
                #expect(act(client, "save", "a.slot", one)?.status == 200)
                #expect(act(client, "restore", "a.slot", two)?.status == 400)
                #expect(ask(client, two) == (0, expected))
                #expect(client.ask("POST /slots/0?action=erase HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(one)Content-Length: 0\r\n\r\n")?.json["n_erased"]?.int == 0)
            }
            try await withServer(options(slots), [names[0]]) { client in
                #expect(act(client, "restore")?.status == 400, "nobody's key is not that one")
                _ = ask(client)
                #expect(act(client, "save", "open")?.status == 200)
            }
            let others: [(change: (inout ServerOptions) -> Void, path: String)] = [
                ({ _ in }, names[1]), ({ $0.cacheType = .q8_0 }, names[0]), ({ $0.context = 64 }, names[0]),
            ]
            for (change, path) in others {
                try await withServer(options(slots, change), [path]) { client in
                    #expect(act(client, "restore", "open")?.json["error"]?["code"]?.string == "slot_file_invalid")
                }
            }
        }
    }

    @Test func namesLeadNowhereElse() async throws {
        try await withFolders { models, slots in
            let model = Folder.join(models, "alpha")
            try TestModels.write(model)
            try await withServer(options(slots), [model]) { client in
                _ = ask(client)
                for name in ["", ".", "..", "../a", "/etc/passwd", "a/b", "a\\b", ".hidden", "a\u{0}b", "ä", "a b", String(repeating: "a", count: 300)] {
                    for action in ["save", "restore"] { #expect(act(client, action, name)?.status == 400, "\(action) \(name)") }
                }
                for path in ["/slots/9?action=save", "/slots/-1?action=save", "/slots/x?action=save", "/slots/0?action=walk", "/slots/0"] {
                    #expect(client.post(path, ["filename": "a"])?.status == 400, "\(path)")
                }
                #expect(act(client, "restore", "nothing")?.status == 400)
                let left = try Folder.names(in: slots)
                #expect(left.isEmpty)
            }
            try await withServer(ServerOptions(), [model]) { client in #expect(act(client, "save")?.status == 501) }
            var missing = ServerOptions()
            missing.slotFolder = Folder.join(slots, "missing")
            #expect(throws: ServerError.self) { try missing.validate() }
        }
    }

    /// A place that is asked for is given where it is free; others are served all the same.
    @Test func placesCanBeChosen() async throws {
        try await withFolders { models, slots in
            let model = Folder.join(models, "alpha")
            try TestModels.write(model)
            try await withServer(options(slots), [model]) { client in
                let answer = client.post("/completion", ["prompt": .string(prompt), "n_predict": 4, "id_slot": 3])
                #expect(answer?.status == 200)
                #expect(act(client, "save", slot: 0)?.json["error"]?["code"]?.string == "slot_empty")
                #expect(act(client, "save", slot: 3)?.status == 200)
                for slot in [-2, 4] { #expect(client.post("/completion", ["prompt": "a", "n_predict": 1, "id_slot": JSON(slot)])?.status == 400) }
            }
        }
    }
}
