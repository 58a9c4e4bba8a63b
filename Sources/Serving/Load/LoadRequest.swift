import QuintetFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What one request of a load test saw, in seconds from the moment it should have been sent.
struct LoadSample: Sendable {
    enum Outcome: String, Sendable { case answered, cancelled, rejected, failed }
    var outcome = Outcome.failed
    /// Why it failed, where it did.
    var reason = "the connection ended before the answer did"
    var status = 0
    var firstToken: Double?
    var end = 0.0
    var tokens = 0
    /// Seconds between tokens.
    var gaps: [Double] = []
}

/// One streamed completion over a plain socket, read as it comes.
struct LoadRequest {
    let options: LoadOptions
    let number: Int

    /// Sends the request and follows its stream to the end; blocks the thread it is called on.
    func run(due: ContinuousClock.Instant) -> LoadSample {
        var sample = LoadSample()
        defer { sample.end = (ContinuousClock.now - due) / .seconds(1) }
        guard let socket = PlainSocket(host: options.host, port: options.port) else {
            sample.reason = "nobody answers at \(options.host):\(options.port)"
            return sample
        }
        guard socket.send(text) else { return sample }
        follow(socket, due, &sample)
        sample.end = (ContinuousClock.now - due) / .seconds(1)
        return sample
    }

    private var isCancelled: Bool {
        options.cancelShare > 0 && Double(Self.mixed(UInt64(number) &+ options.seed) >> 11) * 0x1p-53 < options.cancelShare
    }

    private func follow(_ socket: PlainSocket, _ due: ContinuousClock.Instant, _ sample: inout LoadSample) {
        var rest: [UInt8] = []
        var last: ContinuousClock.Instant?
        let cancelAt = isCancelled ? max(options.newTokens / 4, 1) : Int.max
        while true {
            let bytes = socket.read(atMost: 16384)
            if bytes.isEmpty { return }
            if options.readerDelay > 0 { usleep(UInt32(options.readerDelay) * 1000) }
            rest += bytes
            if sample.status == 0, rest.count >= 12 {
                sample.status = Int(String(decoding: rest[9..<12], as: UTF8.self)) ?? 0
                if sample.status != 200 {
                    sample.reason = "status \(sample.status): " + String(decoding: rest.prefix(2000), as: UTF8.self).split(separator: "\r\n\r\n", maxSplits: 1).dropFirst().joined().prefix(300)
                    sample.outcome = sample.status == 429 || sample.status == 503 ? .rejected : .failed
                    return
                }
            }
            while let end = rest.firstIndex(of: 10) {
                let line = rest[..<end]
                rest.removeSubrange(...end)
                guard line.starts(with: Array("data: ".utf8)) else { continue }
                if line.dropFirst(6).starts(with: Array("[DONE]".utf8)) {
                    sample.outcome = .answered
                    return
                }
                note(String(decoding: line.dropFirst(6), as: UTF8.self), due, &last, &sample)
                if sample.tokens >= cancelAt {
                    sample.outcome = .cancelled
                    return
                }
            }
        }
    }

    private func note(_ data: String, _ due: ContinuousClock.Instant, _ last: inout ContinuousClock.Instant?, _ sample: inout LoadSample) {
        guard let json = try? JSON.parse(data) else { return }
        if let total = json["usage"]?["completion_tokens"]?.int { return sample.tokens = total }
        guard json["choices"]?[0]?["text"]?.string?.isEmpty == false else { return }
        let now = ContinuousClock.now
        if let last { sample.gaps.append((now - last) / .seconds(1)) } else { sample.firstToken = (now - due) / .seconds(1) }
        last = now
        sample.tokens += 1
    }

    private var text: String {
        var body: JSON = [
            "prompt": .string(prompt), "max_tokens": JSON(options.newTokens), "temperature": 0, "stream": true, "ignore_eos": true,
            "stream_options": ["include_usage": true],
        ]
        if let model = options.model { body["model"] = .string(model) }
        let content = body.serialized()
        let key = options.key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        return "POST /v1/completions HTTP/1.1\r\nHost: \(options.host)\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(content.utf8.count)\r\n\(key)\r\n\(content)"
    }

    /// Words that no other request has, after those that all share.
    private var prompt: String {
        let words = ["time", "light", "water", "house", "little", "story", "people", "under", "garden", "night", "stone", "river"]
        func word(_ state: UInt64) -> String { words[Int(Self.mixed(state) % UInt64(words.count))] }
        let shared = (0..<options.sharedWords).map { word(UInt64($0) &+ 7919) }
        let own = (0..<max(options.promptWords - options.sharedWords, 1)).map { word(UInt64(number) &* 1_000_003 &+ UInt64($0) &+ options.seed) }
        return (shared + own).joined(separator: " ")
    }

    /// SplitMix64: the same request for the same seed.
    static func mixed(_ state: UInt64) -> UInt64 {
        var z = state &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
