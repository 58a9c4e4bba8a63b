/// A page cut into blocks: stretches of text that stand for themselves, in the order of the page.
struct HTMLBlocks {
    enum Form: Equatable {
        case paragraph
        case heading(Int)
        case item
        case quote
        /// Verbatim, white space kept.
        case code
        /// A row of a table, its cells apart.
        case row
        /// Text that stands in no element made for text.
        case loose
    }

    struct Block {
        var form: Form
        /// The element that the block is, or stands in.
        var node: Int32
        /// Its bytes in `text`, white space made single (but for code).
        var text: Range<Int>
        /// Bytes of it that lie in links.
        var linked = 0

        var count: Int { text.count }
        var unlinked: Int { max(0, text.count - linked) }
    }

    private(set) var blocks: [Block] = []
    private(set) var text: [UInt8] = []

    private let tree: HTMLTree
    /// For each node, whether a block stands below it.
    private let holdsBlocks: [Bool]
    private let skip: [Bool]
    private var current: Block
    private var needsSpace = false
    private var isVerbatim = false
    private var rowDepth = 0

    /// Leaves out what lies below the nodes marked in `skip`.
    init(_ tree: HTMLTree, skip: [Bool]) {
        self.tree = tree
        self.skip = skip
        holdsBlocks = Self.blockHolders(tree)
        current = Block(form: .loose, node: 0, text: 0..<0)
        text.reserveCapacity(tree.text.count)
        walk()
    }

    private static func blockHolders(_ tree: HTMLTree) -> [Bool] {
        var holds = [Bool](repeating: false, count: tree.nodes.count)
        for index in tree.nodes.indices.reversed() where index > 0 {
            let node = tree.nodes[index]
            // Elements of a page's own making stand within lines unless they hold blocks.
            if !node.isText, !node.tag.isInline && node.tag != .other || holds[index] { holds[Int(node.parent)] = true }
        }
        return holds
    }

    /// Visits the nodes in their order, each element before and after what is in it.
    private mutating func walk() {
        var stack: [Int32] = []
        var next: Int32 = 0
        while true {
            if next >= 0 {
                let node = tree.nodes[Int(next)]
                if skip[Int(next)] || !enter(Int(next), node) || node.firstChild < 0 {
                    if !skip[Int(next)] { leave(Int(next), node) }
                    next = next == 0 ? -1 : node.nextSibling
                } else {
                    stack.append(next)
                    next = node.firstChild
                }
            } else if let done = stack.popLast() {
                let node = tree.nodes[Int(done)]
                leave(Int(done), node)
                next = done == 0 ? -1 : node.nextSibling
                if done == 0 { break }
            } else {
                break
            }
        }
        close(0)
    }

    /// Takes a text or begins an element; false where nothing in it is to be visited.
    private mutating func enter(_ index: Int, _ node: HTMLTree.Node) -> Bool {
        if node.isText {
            append(node)
            return false
        }
        switch node.tag {
        case .br:
            lineBreak(index)
            return false
        case .hr: close(index)
        case .tr where !holdsBlocks(inCellsOf: index):
            open(.row, index)
            rowDepth += 1
        case .td, .th:
            if rowDepth > 0 { separate() } else { open(.loose, index) }
        default:
            if rowDepth > 0 || isInline(index, node) { return true }
            open(form(of: node), index)
            if node.tag == .pre { isVerbatim = true }
        }
        return true
    }

    private mutating func leave(_ index: Int, _ node: HTMLTree.Node) {
        if node.isText || node.tag == .br { return }
        if node.tag == .tr, rowDepth > 0 { rowDepth -= 1 }
        if rowDepth > 0 || isInline(index, node) { return }
        if node.tag == .pre { isVerbatim = false }
        close(Int(node.parent))
    }

    private func isInline(_ index: Int, _ node: HTMLTree.Node) -> Bool {
        node.tag.isInline || node.tag == .other && !holdsBlocks[index] && index > 0
    }

    private func holdsBlocks(inCellsOf row: Int) -> Bool {
        var cell = tree.nodes[row].firstChild
        while cell >= 0 {
            if holdsBlocks[Int(cell)] { return true }
            cell = tree.nodes[Int(cell)].nextSibling
        }
        return false
    }

    private static func form(_ tag: HTMLTag) -> Form? {
        switch tag {
        case .p, .address: .paragraph
        case .h1: .heading(1)
        case .h2: .heading(2)
        case .h3: .heading(3)
        case .h4, .h5, .h6: .heading(4)
        case .li, .dd, .dt: .item
        case .blockquote: .quote
        case .pre: .code
        default: nil
        }
    }

    /// What stands in a list item for text is the item's text.
    private func form(of node: HTMLTree.Node) -> Form {
        let isItem = current.form == .item && current.node == node.parent && current.text.lowerBound == text.count
        if isItem, node.tag == .p || Self.form(node.tag) == nil { return .item }
        return Self.form(node.tag) ?? .loose
    }

    private mutating func open(_ form: Form, _ node: Int) {
        close(node)
        current.form = form
    }

    /// Ends the block that is open; what follows stands in `node`.
    private mutating func close(_ node: Int) {
        while current.form == .code, let last = text.last, last <= 32, text.count > current.text.lowerBound { text.removeLast() }
        current.text = current.text.lowerBound..<text.count
        if !current.text.isEmpty { blocks.append(current) }
        let form = Self.form(tree.nodes[node].tag) ?? .loose
        current = Block(form: form, node: Int32(node), text: text.count..<text.count)
        needsSpace = false
    }

    private mutating func append(_ node: HTMLTree.Node) {
        let (start, source) = (text.count, tree.text)
        let range = Int(node.range.lowerBound)..<Int(node.range.upperBound)
        var at = range.lowerBound
        if isVerbatim {
            text += source[range]
            at = range.upperBound
        }
        while at < range.upperBound {
            let end = Self.run(source, at..<range.upperBound)
            if end == at {
                needsSpace = true
                at += 1
                continue
            }
            if needsSpace, text.count > current.text.lowerBound { text.append(32) }
            needsSpace = false
            text += source[at..<end]
            at = end
        }
        if node.isLinked { current.linked += text.count - start }
    }

    /// Where text ends that stays as it is: words with one blank between them.
    private static func run(_ source: [UInt8], _ range: Range<Int>) -> Int {
        source.withUnsafeBufferPointer { source in
            var at = range.lowerBound
            while at < range.upperBound {
                let isSingle = source[at] == 32 && at > range.lowerBound && at + 1 < range.upperBound && source[at + 1] > 32
                if source[at] <= 32, !isSingle { break }
                at += 1
            }
            return at
        }
    }

    /// A second break in a row begins a new paragraph.
    private mutating func lineBreak(_ index: Int) {
        if isVerbatim { return text.append(10) }
        if text.count > current.text.lowerBound, text.last == 10 {
            text.removeLast()
            let form = current.form
            close(Int(current.node))
            current.form = form
        } else if text.count > current.text.lowerBound {
            text.append(10)
            needsSpace = false
        }
    }

    /// Between the cells of a row.
    private mutating func separate() {
        if text.count > current.text.lowerBound { text += [32, 0x7C, 32] }
        needsSpace = false
    }
}
