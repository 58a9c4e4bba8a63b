#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A page as a tree, in one array in the order of the page: a parent stands before its children.
struct HTMLTree {
    struct Node {
        var tag: HTMLTag
        /// Index of the parent; the root (index 0) is its own.
        var parent: Int32
        var firstChild: Int32 = -1
        var lastChild: Int32 = -1
        var nextSibling: Int32 = -1
        /// Of a text: its bytes in `text`. Of an element: its attributes in `attributes`.
        var range: Range<Int32> = 0..<0
        var isText = false
        /// Text within a link.
        var isLinked = false
    }

    struct Attribute {
        var name: HTMLAttribute
        /// The value in `text`.
        var value: Range<Int32>
    }

    /// Elements open at once; what lies deeper is put at this depth.
    static let depthLimit = 256
    /// Elements and texts of a page; what follows is left out. Real pages have some thousands.
    static let nodeLimit = 1 << 20
    /// Attributes of an element that are kept.
    static let attributeLimit = 64

    fileprivate(set) var nodes = [Node(tag: .other, parent: 0)]
    fileprivate(set) var attributes: [Attribute] = []
    /// Texts and attribute values, with character references replaced.
    fileprivate(set) var text: [UInt8] = []
    /// Bytes of comments, the ones that switch for old browsers aside.
    fileprivate(set) var commentBytes = 0

    init(_ source: [UInt8]) {
        var builder = HTMLBuilder(source)
        builder.run()
        self = builder.tree
    }

    fileprivate init() {}

    /// The value of an element's attribute; nil if it has none.
    func attribute(_ name: HTMLAttribute, of node: Int) -> ArraySlice<UInt8>? {
        if nodes[node].isText { return nil }
        for index in nodes[node].range where attributes[Int(index)].name == name {
            let value = attributes[Int(index)].value
            return text[Int(value.lowerBound)..<Int(value.upperBound)]
        }
        return nil
    }

    func string(_ name: HTMLAttribute, of node: Int) -> String? {
        attribute(name, of: node).map { String(decoding: $0, as: UTF8.self) }
    }

    /// All text below a node, white space made single.
    func content(of node: Int) -> String {
        var out: [UInt8] = []
        var waiting = [nodes[node].firstChild]
        while let next = waiting.popLast() {
            guard next >= 0 else { continue }
            let child = nodes[Int(next)]
            waiting.append(child.nextSibling)
            if child.isText {
                out += text[Int(child.range.lowerBound)..<Int(child.range.upperBound)]
            } else {
                waiting.append(child.firstChild)
                if !child.tag.isInline { out.append(32) }
            }
        }
        return String(decoding: Array(out.split(whereSeparator: { $0 <= 32 }).joined(separator: [32])), as: UTF8.self)
    }
}

/// Builds the tree from a page, however broken.
private struct HTMLBuilder {
    var tree = HTMLTree()
    let source: [UInt8]
    var at = 0
    /// Open elements; the root is the first.
    var open: [Int32] = [0]
    /// How many elements of each tag are open.
    var openCount = [Int32](repeating: 0, count: HTMLTag.allCases.count)
    var hasBody = false
    var isInLink = false

    init(_ source: [UInt8]) { self.source = source }

    mutating func run() {
        let count = source.count
        while at < count, tree.nodes.count < HTMLTree.nodeLimit {
            let start = at
            at = index(of: 0x3C)
            if at > start { addText(start..<at) }
            if at < count { markup() }
        }
    }

    private mutating func markup() {
        guard at + 1 < source.count else { return addLiteral() }
        switch source[at + 1] {
        case 0x21: declaration()
        case 0x3F: skip(past: 0x3E)
        case 0x2F:
            if at + 2 < source.count, Self.isLetter(source[at + 2]) { endTag() } else { skip(past: 0x3E) }
        case let byte where Self.isLetter(byte): startTag()
        default: addLiteral()
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 32) &- 97 < 26 }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 9 || byte == 13 || byte == 12 }

    /// A "<" that begins nothing.
    private mutating func addLiteral() {
        addText(at..<at + 1)
        at += 1
    }

    private mutating func skip(past byte: UInt8) {
        at = min(index(of: byte) + 1, source.count)
    }

    /// Where a byte stands next, from here on; the end of the page where it does not.
    private func index(of byte: UInt8) -> Int {
        source.withUnsafeBytes { page in
            guard at < page.count, let base = page.baseAddress, let hit = memchr(base + at, Int32(byte), page.count - at) else { return page.count }
            return UnsafeRawPointer(hit) - base
        }
    }

    private mutating func declaration() {
        guard at + 3 < source.count, source[at + 2] == 0x2D, source[at + 3] == 0x2D else { return skip(past: 0x3E) }
        let start = at + 4
        at = start
        while at < source.count {
            if source[at] == 0x3E {
                let isEnd = at >= start + 2 && source[at - 1] == 0x2D && source[at - 2] == 0x2D
                let isOddEnd = at >= start + 3 && source[at - 1] == 0x21 && source[at - 2] == 0x2D && source[at - 3] == 0x2D
                let isShort = at == start || at == start + 1 && source[start] == 0x2D
                if isEnd || isOddEnd || isShort { break }
            }
            at += 1
        }
        if start < source.count, source[start] != 0x5B { tree.commentBytes += at - start }
        at = min(at + 1, source.count)
    }

    private mutating func name() -> ArraySlice<UInt8> {
        let start = at
        while at < source.count, !Self.isSpace(source[at]), source[at] != 0x3E, source[at] != 0x2F { at += 1 }
        return source[start..<at]
    }

    // MARK: Start tags

    private mutating func startTag() {
        at += 1
        let tag = HTMLTag(name())
        let first = Int32(tree.attributes.count)
        let isSelfClosing = attributes()
        let range = first..<Int32(tree.attributes.count)
        switch tag {
        case .html, .head, .body:
            if tag == .body { closeHead() }
            if openCount[Int(tag.rawValue)] > 0 || tag != .html && hasBody { return }
            if tag == .body { hasBody = true }
        default:
            if !tag.belongsToHead { closeHead() }
            closeImplied(tag)
        }
        let node = append(HTMLTree.Node(tag: tag, parent: 0, range: range))
        if tag == .a { isInLink = true }
        if tag.isVoid { return }
        if tag.isRawText { return rawText(tag, node) }
        // In HTML proper a slash means nothing; in the foreign parts it closes.
        if isSelfClosing, tag == .other || openCount[Int(HTMLTag.svg.rawValue)] > 0 { return }
        guard open.count < HTMLTree.depthLimit else { return }
        open.append(node)
        openCount[Int(tag.rawValue)] += 1
    }

    private mutating func closeHead() {
        guard openCount[Int(HTMLTag.head.rawValue)] > 0 else { return }
        close(.head)
    }

    /// Reads attributes up to ">"; true if a slash stands before it.
    private mutating func attributes() -> Bool {
        var slash = false
        let first = tree.attributes.count
        while at < source.count {
            let byte = source[at]
            if byte == 0x3E {
                at += 1
                return slash
            }
            if Self.isSpace(byte) || byte == 0x2F {
                slash = byte == 0x2F
                at += 1
                continue
            }
            slash = false
            attribute(isKept: tree.attributes.count - first < HTMLTree.attributeLimit)
        }
        return slash
    }

    private mutating func attribute(isKept: Bool) {
        let start = at
        at += 1
        while at < source.count, !Self.isSpace(source[at]), source[at] != 0x3D, source[at] != 0x3E, source[at] != 0x2F { at += 1 }
        let name = source[start..<at]
        while at < source.count, Self.isSpace(source[at]) { at += 1 }
        var value = at..<at
        if at < source.count, source[at] == 0x3D {
            at += 1
            while at < source.count, Self.isSpace(source[at]) { at += 1 }
            value = attributeValue()
        }
        guard isKept, let known = HTMLAttribute(name) else { return }
        let from = tree.text.count
        HTMLEntities.append(source[value], to: &tree.text, inAttribute: true)
        tree.attributes.append(HTMLTree.Attribute(name: known, value: Int32(clamping: from)..<Int32(clamping: tree.text.count)))
    }

    private mutating func attributeValue() -> Range<Int> {
        guard at < source.count else { return at..<at }
        let quote = source[at]
        if quote == 0x22 || quote == 0x27 {
            let start = at + 1
            at = start
            at = index(of: quote)
            defer { at = min(at + 1, source.count) }
            return start..<at
        }
        let start = at
        while at < source.count, !Self.isSpace(source[at]), source[at] != 0x3E { at += 1 }
        return start..<at
    }

    /// Text up to the end tag of the same name.
    private mutating func rawText(_ tag: HTMLTag, _ node: Int32) {
        let start = at
        while true {
            at = index(of: 0x3C)
            if at + 2 >= source.count { break }
            let back = at
            at += 1
            if source[at] != 0x2F { continue }
            at += 1
            if HTMLTag(name()) == tag {
                add(text: start..<back, to: node, isPlain: tag == .script || tag == .style)
                return skip(past: 0x3E)
            }
            at = back + 1
        }
        at = source.count
        add(text: start..<source.count, to: node, isPlain: true)
    }

    // MARK: End tags

    private mutating func endTag() {
        at += 2
        let tag = HTMLTag(name())
        skip(past: 0x3E)
        if tag == .a { isInLink = false }
        if tag == .br { _ = append(HTMLTree.Node(tag: .br, parent: 0)) }
        if tag == .body || tag == .html || tag.isVoid { return }
        close(tag)
    }

    /// Closes the innermost open element of a tag, unless a boundary stands before it.
    private mutating func close(_ tag: HTMLTag) {
        guard openCount[Int(tag.rawValue)] > 0 else { return }
        let isTablePart = tag.rawValue >= HTMLTag.table.rawValue && tag.rawValue <= HTMLTag.th.rawValue
        var index = open.count - 1
        while index > 0 {
            let other = tree.nodes[Int(open[index])].tag
            if other == tag { return pop(to: index) }
            // An end tag within a line closes no block, one within a cell nothing around the cell.
            if tag.isInline, !other.isInline { return }
            if !isTablePart, other == .td || other == .th || other == .table || other == .caption { return }
            if isTablePart, tag != .table, other == .table { return }
            index -= 1
        }
    }

    private mutating func pop(to count: Int) {
        while open.count > max(1, count) {
            let tag = tree.nodes[Int(open.removeLast())].tag
            openCount[Int(tag.rawValue)] -= 1
            if tag == .a { isInLink = openCount[Int(tag.rawValue)] > 0 }
        }
    }

    /// Closes what a start tag ends without saying so.
    private mutating func closeImplied(_ tag: HTMLTag) {
        if tag.closesParagraph, openCount[Int(HTMLTag.p.rawValue)] > 0 { close(.p, within: { $0 == .td || $0 == .th || $0 == .table || $0 == .button || $0 == .object }) }
        switch tag {
        case .li: close(.li, within: { $0 == .ul || $0 == .ol || $0 == .menu })
        case .dt, .dd:
            close(.dt, within: { $0 == .dl })
            close(.dd, within: { $0 == .dl })
        case .option, .optgroup: close(.option, within: { $0 == .select })
        case .tr, .tbody, .thead, .tfoot:
            for part in [HTMLTag.td, .th, .tr] { close(part, within: { $0 == .table }) }
            if tag != .tr { for part in [HTMLTag.tbody, .thead, .tfoot, .caption] { close(part, within: { $0 == .table }) } }
        case .td, .th: for part in [HTMLTag.td, .th] { close(part, within: { $0 == .table || $0 == .tr }) }
        case .a: if openCount[Int(HTMLTag.a.rawValue)] > 0 { close(.a) }
        case .h1, .h2, .h3, .h4, .h5, .h6:
            if let top = open.last, tree.nodes[Int(top)].tag.isHeading { pop(to: open.count - 1) }
        default: break
        }
    }

    private mutating func close(_ tag: HTMLTag, within isBoundary: (HTMLTag) -> Bool) {
        guard openCount[Int(tag.rawValue)] > 0 else { return }
        var index = open.count - 1
        while index > 0 {
            let other = tree.nodes[Int(open[index])].tag
            if other == tag { return pop(to: index) }
            if isBoundary(other) { return }
            index -= 1
        }
    }

    // MARK: Nodes

    private mutating func append(_ node: HTMLTree.Node) -> Int32 {
        var node = node
        node.parent = open[open.count - 1]
        let index = Int32(clamping: tree.nodes.count)
        let parent = Int(node.parent)
        if tree.nodes[parent].lastChild >= 0 {
            tree.nodes[Int(tree.nodes[parent].lastChild)].nextSibling = index
        } else {
            tree.nodes[parent].firstChild = index
        }
        tree.nodes[parent].lastChild = index
        tree.nodes.append(node)
        return index
    }

    private mutating func addText(_ range: Range<Int>) {
        let from = tree.text.count
        HTMLEntities.append(source[range], to: &tree.text, inAttribute: false)
        let value = Int32(clamping: from)..<Int32(clamping: tree.text.count)
        if openCount[Int(HTMLTag.head.rawValue)] > 0, tree.text[from...].contains(where: { !Self.isSpace($0) }) { closeHead() }
        _ = append(HTMLTree.Node(tag: .other, parent: 0, range: value, isText: true, isLinked: isInLink))
    }

    /// The text of an element that holds nothing else.
    private mutating func add(text range: Range<Int>, to node: Int32, isPlain: Bool) {
        let from = tree.text.count
        if isPlain { tree.text += source[range] } else { HTMLEntities.append(source[range], to: &tree.text, inAttribute: false) }
        let value = Int32(clamping: from)..<Int32(clamping: tree.text.count)
        let index = Int32(clamping: tree.nodes.count)
        tree.nodes[Int(node)].firstChild = index
        tree.nodes[Int(node)].lastChild = index
        tree.nodes.append(HTMLTree.Node(tag: .other, parent: node, range: value, isText: true, isLinked: isInLink))
    }
}
