import QuintetFiles
import QuintetGeneration
import Testing

@Suite struct StopStringTests {
    private func run(_ stops: [String], _ pieces: [String]) -> (text: String, found: Bool) {
        var search = StopStrings(stops)
        var text = pieces.map { search.take($0) }.joined()
        if !search.found { text += search.finish() }
        return (text, search.found)
    }

    @Test func findsAStopHoweverTheTextIsCut() {
        let text = "Hello wörld! END of it"
        let bytes = Array(text.unicodeScalars).map(String.init)
        for width in 1...bytes.count {
            let pieces = stride(from: 0, to: bytes.count, by: width).map { bytes[$0..<min($0 + width, bytes.count)].joined() }
            #expect(run(["END"], pieces) == ("Hello wörld! ", true))
            #expect(run(["STOP"], pieces) == (text, false))
            #expect(run(["ld! E", "END"], pieces) == ("Hello wör", true))
        }
    }

    @Test func takesTheFirstInTheText() {
        #expect(run(["b", "ab"], ["a", "b"]) == ("", true))
        #expect(run(["aab"], ["a", "a", "a", "b", "c"]) == ("a", true))
        #expect(run(["\n\n"], ["one\n", "two\n", "\nthree"]) == ("one\ntwo", true))
    }

    @Test func givesWhatIsCertainAtOnce() {
        var search = StopStrings(["END"])
        #expect(search.take("abc") == "abc")
        #expect(search.take("E") == "")
        #expect(search.take("N") == "")
        #expect(search.take("x") == "ENx")
        #expect(search.take("EN") == "")
        #expect(search.finish() == "EN")
    }

    @Test func emptyStopsStopNothing() {
        #expect(run(["", ""], ["abc"]) == ("abc", false))
        #expect(run([], ["abc"]) == ("abc", false))
    }
}

@Suite struct GenerationConfigTests {
    private func read(_ json: JSON) throws -> GenerationConfig { try GenerationConfig(json, path: "generation_config.json") }

    @Test func samplesOnlyWhereItSaysSo() throws {
        #expect(try read(["temperature": 0.7]).sampling.temperature == 0)
        let config = try read([
            "do_sample": true, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "min_p": 0.05, "repetition_penalty": 1.1, "eos_token_id": [1, 2],
            "bos_token_id": 3, "max_new_tokens": 9, "transformers_version": "5.0",
        ])
        #expect(config.sampling == SamplingOptions(temperature: 0.7, topK: 20, topP: 0.8, minP: 0.05, repetitionPenalty: 1.1))
        #expect(config.eos == [1, 2])
        #expect(config.bos == 3)
        #expect(config.maxNewTokens == 9)
        #expect(try read(["do_sample": true]).sampling == SamplingOptions(temperature: 1, topK: 50))
        #expect(try read(["eos_token_id": 5, "top_k": nil]).eos == [5])
    }

    @Test func refusesWhatIsWrong() {
        for json: JSON in [
            ["temperature": "hot", "do_sample": true], ["temperature": -1, "do_sample": true], ["top_p": 2], ["top_k": -1], ["eos_token_id": "x"],
            ["eos_token_id": [1, "x"]], ["do_sample": 1], ["max_new_tokens": 1.5],
        ] {
            #expect(throws: FileError.self) { try read(json) }
        }
    }

    @Test func aFolderWithoutOneIsGreedy() throws {
        let config = try withFolder { try GenerationConfig.read(folder: $0) }
        #expect(config == GenerationConfig())
    }
}
