#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import QuintetGeneration
import Testing

@Suite struct SamplerTests {
    private let logits: [Float] = [1.5, -0.5, 0, 2, 0.7, -3, 1.9, 0.2]

    private func draws(_ options: SamplingOptions, _ logits: [Float], count: Int) -> [Int32] {
        var sampler = Sampler(options, vocabulary: logits.count)
        return (0..<count).map { _ in
            var copy = logits
            return copy.withUnsafeMutableBufferPointer { sampler.next($0) }
        }
    }

    /// Frequencies of many draws lie within five standard deviations of the probabilities.
    private func expect(_ options: SamplingOptions, gives probabilities: [Double]) {
        let count = 40_000
        var frequencies = [Int](repeating: 0, count: logits.count)
        for id in draws(options, logits, count: count) { frequencies[Int(id)] += 1 }
        for (frequency, p) in zip(frequencies, probabilities) {
            let deviation = (p * (1 - p) / Double(count)).squareRoot()
            #expect(abs(Double(frequency) / Double(count) - p) <= 5 * deviation)
        }
    }

    private func softmax(temperature: Double = 1, keeping: (Int) -> Bool = { _ in true }) -> [Double] {
        let weights = logits.indices.map { keeping($0) ? exp(Double(logits[$0]) / temperature) : 0 }
        let total = weights.reduce(0, +)
        return weights.map { $0 / total }
    }

    @Test func greedyTakesTheFirstOfTheGreatest() {
        #expect(draws(.greedy, logits, count: 3) == [3, 3, 3])
        #expect(draws(.greedy, [1, 2, 2, 0], count: 1) == [1])
        #expect(draws(.greedy, [.nan, 1, .nan, 3], count: 1) == [3])
        #expect(draws(.greedy, [.nan, .nan], count: 1) == [0])
        #expect(draws(.greedy, [-.infinity, -.infinity], count: 1) == [0])
    }

    @Test func temperatureFollowsTheSoftmax() {
        expect(SamplingOptions(temperature: 1, seed: 1), gives: softmax())
        expect(SamplingOptions(temperature: 0.5, seed: 2), gives: softmax(temperature: 0.5))
        expect(SamplingOptions(temperature: 3, seed: 3), gives: softmax(temperature: 3))
    }

    @Test func topKKeepsTheLikeliest() {
        expect(SamplingOptions(temperature: 1, topK: 3, seed: 4), gives: softmax { [3, 6, 0].contains($0) })
        expect(SamplingOptions(temperature: 1, topK: 1, seed: 4), gives: softmax { $0 == 3 })
        expect(SamplingOptions(temperature: 1, topK: 100, seed: 4), gives: softmax())
    }

    @Test func topPKeepsTheShare() {
        // Sorted shares: 3: .34, 6: .31, 0: .21, 4: .09, ...
        expect(SamplingOptions(temperature: 1, topP: 0.3, seed: 5), gives: softmax { $0 == 3 })
        expect(SamplingOptions(temperature: 1, topP: 0.5, seed: 5), gives: softmax { [3, 6].contains($0) })
        expect(SamplingOptions(temperature: 1, topP: 0.7, seed: 5), gives: softmax { [3, 6, 0].contains($0) })
    }

    @Test func minPKeepsTheNear() {
        // Weights relative to the likeliest: 6: .90, 0: .61, 4: .27, 7: .17, ...
        expect(SamplingOptions(temperature: 1, minP: 0.5, seed: 6), gives: softmax { [3, 6, 0].contains($0) })
        expect(SamplingOptions(temperature: 1, minP: 1, seed: 6), gives: softmax { $0 == 3 })
    }

    /// What a greedy choice would take after these tokens; every other logit is 1.
    private func afterwards(_ history: [Int32], favourite: Int, _ change: (inout SamplingOptions) -> Void) -> Int32 {
        var options = SamplingOptions.greedy
        options.dryMultiplier = 0.8
        change(&options)
        var sampler = Sampler(options, vocabulary: 8)
        for id in history { sampler.accept(id) }
        var logits = [Float](repeating: 1, count: 8)
        logits[favourite] = 2
        return logits.withUnsafeMutableBufferPointer { sampler.next($0) }
    }

    @Test func dryKeepsFromRepeating() {
        // 1 2 3 4 came before; after 1 2 3 the repetition has three tokens: 0.8 * 1.75 is more than the lead of 1.
        #expect(afterwards([1, 2, 3, 4, 5, 1, 2, 3], favourite: 4) { _ in } == 0)
        #expect(afterwards([1, 2, 3, 4, 5, 2, 3], favourite: 4) { _ in } == 4)
        #expect(afterwards([1, 2, 3, 4, 5, 1, 2, 3], favourite: 5) { _ in } == 5)
        #expect(afterwards([1, 2, 3, 4, 5, 1, 2, 3], favourite: 4) { $0.dryMultiplier = 0 } == 4)
        #expect(afterwards([1, 2, 3, 4, 5, 1, 2, 3], favourite: 4) { $0.dryAllowedLength = 4 } == 4)
        #expect(afterwards([1, 2, 3, 4, 5, 1, 2, 3], favourite: 4) { $0.dryBreakers = [2] } == 4)
        #expect(afterwards([1, 2, 3, 4, 5, 1, 2, 3], favourite: 4) { $0.penaltyWindow = 5 } == 4)
        #expect(afterwards([Int32](repeating: 6, count: 5000), favourite: 6) { _ in } == 0)
        #expect(afterwards([], favourite: 6) { _ in } == 6)
    }

    @Test func penaltyMakesTheSeenLessLikely() {
        var sampler = Sampler(SamplingOptions(repetitionPenalty: 2), vocabulary: 4)
        sampler.accept(2)
        sampler.accept(2)
        var logits: [Float] = [1, 1.4, 2.6, -1]
        #expect(logits.withUnsafeMutableBufferPointer { sampler.next($0) } == 1)
        #expect(logits == [1, 1.4, 1.3, -1])
        logits = [-1, -1.2, -0.7, -5]
        #expect(logits.withUnsafeMutableBufferPointer { sampler.next($0) } == 0)
        #expect(logits == [-1, -2.4, -1.4, -5])
    }

    @Test func theSeedDecides() {
        let options = SamplingOptions(temperature: 1, topK: 5, topP: 0.9, seed: 42)
        #expect(draws(options, logits, count: 100) == draws(options, logits, count: 100))
        var other = options
        other.seed = 43
        #expect(draws(options, logits, count: 100) != draws(other, logits, count: 100))
    }

    @Test func selectsAmongManyWithTies() {
        let many = (0..<5000).map { Float(($0 * 7919) % 50) }
        let kept = Set(draws(SamplingOptions(temperature: 30, topK: 100, seed: 1), many, count: 3000))
        #expect(kept.allSatisfy { many[Int($0)] == 49 })
        #expect(kept.count > 50)
    }

    @Test func refusesMeaninglessOptions() {
        for options in [
            SamplingOptions(temperature: -1), SamplingOptions(temperature: .nan), SamplingOptions(temperature: .infinity), SamplingOptions(topK: -1),
            SamplingOptions(topP: 0), SamplingOptions(topP: 1.1), SamplingOptions(topP: .nan), SamplingOptions(minP: -0.1), SamplingOptions(minP: 2),
            SamplingOptions(repetitionPenalty: 0), SamplingOptions(repetitionPenalty: .infinity),
        ] {
            #expect(throws: OptionError.self) { try options.validate() }
        }
    }
}

@Suite struct MoreSamplerTests {
    private let logits: [Float] = [1.5, -0.5, 0, 2, 0.7, -3, 1.9, 0.2]

    private func drawn(_ change: (inout SamplingOptions) -> Void) -> Set<Int32> {
        var options = SamplingOptions(temperature: 1, seed: 1)
        change(&options)
        var sampler = Sampler(options, vocabulary: logits.count)
        return Set((0..<4000).map { _ in
            var copy = logits
            return copy.withUnsafeMutableBufferPointer { sampler.next($0) }
        })
    }

    @Test func topNSigmaKeepsTheNear() {
        // The deviation is 1.53: within one of it of 2 are 0.7, 1.5, 1.9 and 2.
        #expect(drawn { $0.topNSigma = 1 } == [0, 3, 4, 6])
        #expect(drawn { $0.topNSigma = 0.1 } == [3, 6])
    }

    @Test func typicalKeepsWhatIsExpected() {
        let kept = drawn { $0.typicalP = 0.2 }
        #expect(kept.count < 3 && !kept.contains(5))
        #expect(drawn { $0.typicalP = 1 }.count == 8)
    }

    @Test func xtcLeavesOutTheTop() {
        #expect(!drawn { ($0.xtcProbability, $0.xtcThreshold) = (1, 0.1) }.contains(3))
        #expect(drawn { ($0.xtcProbability, $0.xtcThreshold) = (1, 0.1) }.contains(0))
        #expect(drawn { ($0.xtcProbability, $0.xtcThreshold) = (0.5, 0.1) }.contains(3))
    }

    @Test func frequencyAndPresenceCountWhatWasChosen() {
        var options = SamplingOptions()
        (options.frequencyPenalty, options.presencePenalty) = (0.25, 0.5)
        var sampler = Sampler(options, vocabulary: 3)
        sampler.accept(1)
        func next() -> (Int32, [Float]) {
            var logits: [Float] = [1, 1.125, 0]
            let id = logits.withUnsafeMutableBufferPointer { sampler.next($0) }
            return (id, logits)
        }
        #expect(next() == (1, [1, 1.125, 0]))
        #expect(next() == (0, [1, 0.375, 0]))
        #expect(next() == (1, [0.25, 0.375, 0]))
        #expect(next() == (0, [0.25, 0.125, 0]))
    }

    @Test func theWindowForgets() {
        var options = SamplingOptions(repetitionPenalty: 2)
        options.penaltyWindow = 2
        var sampler = Sampler(options, vocabulary: 4)
        for id: Int32 in [0, 1, 2] { sampler.accept(id) }
        var logits: [Float] = [2, 2, 2, 3]
        _ = logits.withUnsafeMutableBufferPointer { sampler.next($0) }
        #expect(logits == [2, 1, 1, 3])
    }

    @Test func refusesMore() {
        for change: (inout SamplingOptions) -> Void in [
            { $0.typicalP = 0 }, { $0.typicalP = 2 }, { $0.topNSigma = -1 }, { $0.topNSigma = .nan }, { $0.xtcProbability = 2 }, { $0.xtcThreshold = -1 },
            { $0.frequencyPenalty = .nan }, { $0.presencePenalty = 1000 }, { $0.penaltyWindow = -1 },
        ] {
            var options = SamplingOptions()
            change(&options)
            #expect(throws: OptionError.self) { try options.validate() }
        }
    }
}
