import QuintetTokenizers
import Testing

/// Words as the `tokenizers` library's regex engine cuts them.
@Suite struct WordTests {
    @Test func gpt2() {
        #expect(PreTokenizationPattern.gpt2.words(in: "It's  a\n\n test12 ½,  don'T ") == [
            "It", "'s", " ", " a", "\n\n", " test", "12", " ½", ",", " ", " don", "'", "T", " ",
        ])
    }

    @Test func cl100kAndLlama3DifferAtTrailingSpaces() {
        #expect(PreTokenizationPattern.llama3.words(in: "x = 12345;\n\n  y'LL \n ") == [
            "x", " =", " ", "123", "45", ";\n\n", " ", " y", "'LL", " \n", " ",
        ])
        #expect(PreTokenizationPattern.cl100k.words(in: "y'LL \n ") == ["y", "'LL", " \n "])
    }

    @Test func qwen2TakesOneDigit() {
        #expect(PreTokenizationPattern.qwen2.words(in: "a 123\tb") == ["a", " ", "1", "2", "3", "\tb"])
    }

    @Test func o200kSplitsAtCase() {
        #expect(PreTokenizationPattern.o200k.words(in: "camelCase HTTPServer日本ABC I'LL /usr//\n") == [
            "camel", "Case", " HTTPServer日本", "ABC", " I'LL", " /", "usr", "//\n",
        ])
        #expect(PreTokenizationPattern.tekken.words(in: "don't 12") == ["don", "'t", " ", "1", "2"])
    }

    @Test func knownRegexesAreFoundByTheirText() {
        for pattern in PreTokenizationPattern.allCases { #expect(PreTokenizationPattern(regex: pattern.regex) == pattern) }
        #expect(PreTokenizationPattern(regex: "(a+)+$") == nil)
    }
}
