/// The main text of a page, with what its head says.
///
/// Blocks of text are worth their length, links and scraps cost; the element whose blocks are worth most in sum is taken for the main
/// one. What its names, its place or its links show to be around the text (menus, related stories, comments) goes. The work is
/// linear in the page, and depends on nothing else.
struct HTMLArticle {
    /// UTF-8 with LF; paragraphs are parted by an empty line. Empty where no text was found.
    private(set) var text: [UInt8] = []
    let head: HTMLHead
    let hasComments: Bool
    private(set) var hasHiddenText = false

    var title: String? { head.title }
    var language: String? { head.language }
    var date: String? { head.date }
    var author: String? { head.author }
    var licence: String? { head.licence }
    var robots: String? { head.robots }
    var url: String? { head.url }

    init(_ source: [UInt8]) {
        let tree = HTMLTree(source)
        head = HTMLHead(tree)
        hasComments = tree.commentBytes > 0
        let parts = MainText(tree)
        text = parts.text
        hasHiddenText = parts.hasHiddenText
    }
}
