import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetTensors
import QuintetTokenizers
import Testing

/// Texts made together have the bits they have alone.
@Suite(.serialized) struct BatchTests {
    private func generator(_ arithmetic: FrozenArithmetic? = nil, _ change: (inout TransformerSpec) -> Void = { _ in }) throws -> TextGenerator {
        TextGenerator(try randomModel(arithmetic: arithmetic, change), try byteTokenizer())
    }

    /// Layers of experts behind layers of one: products of every kind.
    private func withExperts(_ spec: inout TransformerSpec) {
        var block = spec.layers[0]
        block.feedForward = .experts(ExpertsSpec(routing: Routing(experts: 6, chosen: 2, scoring: .softmaxOverAll), hidden: 20))
        spec.layers = LayerPattern(cycle: [spec.layers[0], block], count: 4)
    }

    /// Prompts and lengths that a counter decides, some beginning alike.
    private func request(_ number: Int) -> BatchRequest {
        let length = 1 + (number * 53) % 190
        let prompt = (0..<length).map { Int32((($0 < 100 ? $0 * 7 : $0 * 37 + number * 11) + (number % 3)) % 61) }
        let sampling = SamplingOptions(temperature: number % 4 == 0 ? 0 : 0.9, topK: 20, seed: UInt64(number))
        return BatchRequest(prompt: prompt, options: GenerationOptions(maxTokens: 1 + number % 40, sampling: sampling))
    }

    private func ids(_ stream: BatchStream) async -> (ids: [Int32], end: BatchEvent?) {
        var ids: [Int32] = []
        var end: BatchEvent?
        for await event in stream.events {
            switch event {
            case .token(let token): ids.append(token.id)
            case .finished, .failed: end = event
            case .started: break
            }
        }
        return (ids, end)
    }

    /// Who takes events as they come hears of the beginning once, of every token, and of the end once, also of one that was given up.
    @Test func eventsComeInOrder() async throws {
        let generator = try generator()
        let thread = try InferenceThread()
        defer { thread.stop() }
        let client = thread.attach(generator, BatchLimits(parallel: 2, context: 256))
        let options = GenerationOptions(maxTokens: 200)
        let seen = (0..<4).map { _ in Monitor([BatchEvent]()) }
        let texts = try seen.map { seen in try client.submit(BatchRequest(prompt: [1, 2, 3], options: options)) { event in seen.change { $0.append(event) } } }
        texts[1].cancel()
        texts[3].cancel()
        for (number, seen) in seen.enumerated() {
            let events = seen.wait { $0.last?.isLast == true ? $0 : nil }
            #expect(events.filter(\.isLast).count == 1)
            if number % 2 == 1 {
                #expect(events.last == .failed(.cancelled) || events.last == .finished(.length))
            } else {
                #expect(events.count == 202 && events.first == .started(cachedTokens: 0))
                #expect(events.last == .finished(.length))
            }
        }
    }

    /// However many there are, in whatever order they come, with pages that run out or not, multiplied in f32 or in bf16.
    @Test(arguments: [(1, nil, nil), (3, nil, nil), (8, nil, nil), (5, 7, nil), (8, nil, .stored)] as [(Int, Int?, FrozenArithmetic?)])
    func anyMixGivesTheSameTexts(_ parallel: Int, _ pages: Int?, _ arithmetic: FrozenArithmetic?) async throws {
        let generator = try generator(arithmetic, arithmetic == nil ? { _ in } : withExperts)
        let alone = try (0..<60).map { number in
            let request = request(number)
            return try generator.generate(request.prompt, options: request.options).ids
        }
        let thread = try InferenceThread()
        defer { thread.stop() }
        let limits = BatchLimits(parallel: parallel, context: 256, queue: 1000, pages: pages, prefillRows: 50)
        let client = thread.attach(generator, limits)
        for round in 0..<3 {
            let order = (0..<60).map { ($0 * [1, 7, 31][round] + round) % 60 }
            let streams = try order.map { try client.submit(request($0)) }
            for (number, stream) in zip(order, streams) {
                let result = await ids(stream)
                #expect(result.ids == alone[number], "text \(number) of round \(round)")
            }
        }
        #expect(client.counts.prefixHits > 0)
        if pages != nil { #expect(client.counts.preemptions > 0) }
    }

    /// Nothing of one tenant's reading serves another.
    @Test func tenantsShareNothing() async throws {
        let thread = try InferenceThread()
        defer { thread.stop() }
        let client = thread.attach(try generator(), BatchLimits(parallel: 2, context: 256))
        func cached(_ tenant: String) async throws -> Int {
            var request = BatchRequest(prompt: (0..<200).map { Int32($0 % 61) }, options: GenerationOptions(maxTokens: 1))
            request.tenant = tenant
            for await case .started(let cached) in try client.submit(request).events { return cached }
            return -1
        }
        #expect(try await cached("a") == 0)
        #expect(try await cached("b") == 0)
        #expect(try await cached("a") == 192)
    }

    @Test func aTextIsGivenUp() async throws {
        let thread = try InferenceThread()
        defer { thread.stop() }
        let client = thread.attach(try generator(), BatchLimits(parallel: 1, context: 256))
        let options = GenerationOptions(maxTokens: 200, ignoresEnd: true)
        let stream = try client.submit(BatchRequest(prompt: [1, 2, 3], options: options))
        let next = try client.submit(BatchRequest(prompt: [4, 5], options: GenerationOptions(maxTokens: 3)))
        for await event in stream.events { if case .token = event { break } }
        stream.cancel()
        #expect(await ids(next).ids.count == 3)
    }

    @Test func refusesWhatItCannotDo() async throws {
        let thread = try InferenceThread()
        let client = thread.attach(try generator(), BatchLimits(parallel: 1, context: 16, queue: 2))
        for prompt in [[], [99], [-1], [Int32](repeating: 1, count: 16)] as [[Int32]] {
            guard case .failed(.refused)? = await ids(try client.submit(BatchRequest(prompt: prompt))).end else {
                Issue.record("\(prompt) was not refused")
                continue
            }
        }
        let past = ContinuousClock.now - .seconds(1)
        #expect(await ids(try client.submit(BatchRequest(prompt: [1], startBy: past))).end == .failed(.waitedTooLong))
        thread.stop()
        var end: BatchFailure?
        for _ in 0..<3000 where end != .stopped {
            try await Task.sleep(for: .milliseconds(10))
            do { _ = try client.submit(BatchRequest(prompt: [1])) } catch { end = error }
        }
        #expect(end == .stopped)
    }

    /// Without a queue the next text is taken at once, however its predecessor ended.
    @Test func whoHearsOfAnEndFindsThePlaceFree() async throws {
        let thread = try InferenceThread()
        defer { thread.stop() }
        let client = thread.attach(try generator(), BatchLimits(parallel: 1, context: 256, queue: 0))
        for number in 0..<60 {
            let stream = try client.submit(BatchRequest(prompt: [1, 2, 3], options: GenerationOptions(maxTokens: number % 3 == 0 ? 100 : 1)))
            if number % 3 == 0 { stream.cancel() }
            _ = await ids(stream)
            #expect(client.counts.running == 0)
        }
    }

    @Test func aFullQueueSaysSo() async throws {
        let thread = try InferenceThread()
        defer { thread.stop() }
        let client = thread.attach(try generator(), BatchLimits(parallel: 1, context: 256, queue: 2))
        let options = GenerationOptions(maxTokens: 100, ignoresEnd: true)
        var streams: [BatchStream] = []
        var refused = 0
        for _ in 0..<10 {
            do { streams.append(try client.submit(BatchRequest(prompt: [1], options: options))) } catch { refused += 1 }
        }
        #expect(refused > 0)
        for stream in streams { #expect(await ids(stream).ids.count == 100) }
    }

    /// A byte-level tokenizer of 61 tokens, as many as the model has.
    private func byteTokenizer() throws -> Tokenizer {
        let definition = #"{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"#
            + #""post_processor":null,"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"#
            + (0..<61).map { "\"\(Character(Unicode.Scalar(UInt8($0 + 65))).description.replacing("\\", with: "\\\\"))\":\($0)" }.joined(separator: ",")
            + #"},"merges":[]}}"#
        return try Tokenizer(json: definition)
    }
}
