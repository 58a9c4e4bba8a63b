/// English words that are split, or kept whole, against the general rules: contractions, abbreviations, times, emoticons.
///
/// The set is the one that spaCy's English tokenizer has, which the published filters count words with.
struct EnglishExceptions: Sendable {
    /// Byte lengths of the pieces of each exception; one piece means that it is kept whole.
    private(set) var pieces: [[UInt8]: [UInt8]] = [:]

    static let shared = EnglishExceptions()

    private init() {
        addContractions()
        addTimes()
        for word in Self.whole.split(whereSeparator: \.isWhitespace) { add([String(word)]) }
        for word in ["—", "\\t", "\\n", "<space>"] { add([word]) }
        for letter in "abcdefghijklmnopqrstuvwxyzäöü" { add(["\(letter)."]) }
    }

    private mutating func add(_ parts: [String]) {
        pieces[Array(parts.joined().utf8)] = parts.map { UInt8($0.utf8.count) }
    }

    /// The parts as written, without apostrophes, and with curly ones; in lower case and with a capital.
    private mutating func addForms(_ parts: [String], bare: Bool = true) {
        for capital in [false, true] {
            let parts = capital ? [Self.capitalized(parts[0])] + parts.dropFirst() : parts
            add(parts)
            add(parts.map { $0.replacing("'", with: "’") })
            let joined = parts.joined().replacing("'", with: "")
            if bare, !Self.words.contains(joined.lowercased()) { add(parts.map { $0.replacing("'", with: "") }) }
        }
    }

    private static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    /// What without its apostrophe is a word of its own.
    private static let words: Set<String> = ["ill", "its", "hell", "shell", "shed", "were", "well", "whore"]

    private mutating func addContractions() {
        addForms(["i", "'m"])
        addForms(["i", "'m", "a"])
        for pronoun in ["i", "you", "he", "she", "it", "we", "they"] {
            addForms([pronoun, "'ll"])
            addForms([pronoun, "'ll", "'ve"])
            addForms([pronoun, "'d"])
            addForms([pronoun, "'d", "'ve"])
        }
        for pronoun in ["i", "you", "we", "they"] { addForms([pronoun, "'ve"]) }
        for pronoun in ["you", "we", "they"] { addForms([pronoun, "'re"]) }
        for pronoun in ["he", "she", "it"] { addForms([pronoun, "'s"]) }
        for word in ["who", "what", "when", "where", "why", "how", "there", "that", "this", "these", "those"] {
            if !["these", "those"].contains(word) { addForms([word, "'s"]) }
            addForms([word, "'ll"])
            addForms([word, "'ll", "'ve"])
            if !["that", "this"].contains(word) {
                addForms([word, "'re"])
                addForms([word, "'ve"])
            }
            addForms([word, "'d"])
            addForms([word, "'d", "'ve"])
        }
        addForms(["how", "'d", "'y"], bare: false)
        for verb in ["ca", "could", "do", "does", "did", "had", "may", "might", "must", "need", "ought", "sha", "should", "wo", "would"] {
            addForms([verb, "n't"])
            addForms([verb, "n't", "'ve"])
        }
        for verb in ["could", "might", "must", "should", "would", "not"] { addForms([verb, "'ve"]) }
        for verb in ["ai", "are", "is", "was", "were", "have", "has", "dare"] { addForms([verb, "n't"]) }
        addForms(["let", "'s"], bare: false)
        addForms(["c'm", "on"], bare: false)
        for parts in [["can", "not"], ["gon", "na"], ["got", "ta"]] { addForms(parts, bare: false) }
        for word in ["doin", "goin", "havin", "lovin", "nothin", "nuthin", "somethin", "ol"] {
            for form in [word, word + "'"] { addForms([form], bare: false) }
        }
        for word in ["o'clock", "ma'am"] { addForms([word], bare: false) }
        for word in ["cause", "cos", "coz", "cuz", "bout", "em", "ll", "nuff", "re", "s", "d"] {
            for quote in ["'", "’"] { add([quote + word]) }
        }
        for word in ["Cause", "Cos", "Coz", "Cuz", "S"] { for quote in ["'", "’"] { add([quote + word]) } }
    }

    private mutating func addTimes() {
        for hour in 1...12 { for part in ["am", "pm", "a.m.", "p.m."] { add(["\(hour)", part]) } }
    }

    private static let whole = #"""
        '' '' ’ ’’ ‘S ‘s em ll nuff and/or w/o C++ a.m. p.m. co. e.g. i.e. vs. v.s. E.G. E.g. I.E. I.e. D.C. N.C. N.D. N.H. N.J. N.M. N.Y. S.C. Ph.D. Adm. Ak.
        Ala. Apr. Ariz. Ark. Aug. Bros. Calif. Co. Colo. Conn. Corp. Dec. Del. Dr. Feb. Fla. Ga. Gen. Gov. Ia. Id. Ill. Inc. Ind.
        Jan. Jr. Jul. Jun. Kan. Kans. Ky. La. Ltd. Mar. Mass. Md. Messrs. Mich. Minn. Miss. Mo. Mont. Mr. Mrs. Ms. Mt. Neb. Nebr.
        Nev. Nov. Oct. Okla. Ore. Pa. Prof. Rep. Rev. Sen. Sep. Sept. St. Tenn. Va. Wash. Wis.
        :) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (; (-; :( :-( :(( :-(( :(((
        :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= =[ :1 :P :-P :p :-p :O :-O :o :-o :0 :-0 :() >:o :* :-* :3 :-3
        =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__- v.v V.V v_v V_V
        o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*) (¬_¬) ಠ_ಠ ಠ︵ಠ
        (ಠ_ಠ) ¯\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*> :’( :’) :’-( :’-) \")
        """#
}
