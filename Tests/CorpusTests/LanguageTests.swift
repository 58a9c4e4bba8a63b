import QuintetCorpus
import QuintetFiles
import Testing

@Suite struct LanguageTests {
    static let texts: [(String, String)] = [
        ("sh", "Све људска бића рађају се слободна и једнака у достојанству и правима. Она су обдарена разумом и свешћу и треба једни према другима да поступају у духу братства."),
        ("mk", "Сите човечки суштества се раѓаат слободни и еднакви по достоинство и права. Тие се обдарени со разум и совест и треба да се однесуваат еден кон друг во духот на братството."),
        ("ru", "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства."),
        ("sh", "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima. Ona su obdarena razumom i sviješću i trebaju jedno prema drugome postupati u duhu bratstva."),
        ("zh", "下面这个简单的 switch 范例以 pattern matching 为基础,我们用 Swift 写成。"), ("ja", "この文章は English の言葉を含む日本語の文です。"),
        ("en", "All human beings are born free and equal in dignity and rights. The word 自由 means freedom."),
    ]

    @Test(arguments: texts) func languageIsTold(code: String, text: String) throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", [ScrubFixture.row("1", text)])
        try fixture.scrub("steps: [language]\nlanguage: {languages: []}")
        #expect(try fixture.documents()["1"]?.metadata["language"]?.string == code)
    }
}
