/// Finds the main text among a page's blocks.
struct MainText {
    private(set) var text: [UInt8] = []
    /// Words stand in elements that are never shown.
    private(set) var hasHiddenText = false

    private let tree: HTMLTree
    private var parts: [HTMLHints.Part]
    private var blocks: HTMLBlocks
    /// Bytes of prose below each node: unlinked text of long blocks.
    private var prose: [Int]

    init(_ tree: HTMLTree) {
        self.tree = tree
        var hints = HTMLHints()
        parts = tree.nodes.indices.map { tree.nodes[$0].isText ? .unknown : hints.part(tree, $0) }
        hasHiddenText = Self.hidesText(tree, parts)
        blocks = HTMLBlocks(tree, skip: parts.map { $0 == .hidden })
        prose = [Int](repeating: 0, count: tree.nodes.count)
        countProse()
        let skip = surroundings()
        blocks = HTMLBlocks(tree, skip: skip)
        countProse()
        let main = selected(mainNode())
        // A page of a few words has no element that is worth more than none.
        write(main.isEmpty ? selected(0) : main)
    }

    /// Whether an element that is styled away holds words.
    private static func hidesText(_ tree: HTMLTree, _ parts: [HTMLHints.Part]) -> Bool {
        var isAway = [Bool](repeating: false, count: parts.count)
        for index in parts.indices.dropFirst() {
            let node = tree.nodes[index]
            if node.isText {
                let text = tree.text[Int(node.range.lowerBound)..<Int(node.range.upperBound)]
                if isAway[Int(node.parent)], text.count(where: { $0 > 64 }) >= 16 { return true }
            } else {
                isAway[index] = !node.tag.isNeverText && (isAway[Int(node.parent)] || parts[index] == .hidden)
            }
        }
        return false
    }

    // MARK: What lies around

    private mutating func countProse() {
        for index in prose.indices { prose[index] = 0 }
        for block in blocks.blocks where Self.isProse(block) { prose[Int(block.node)] += block.unlinked }
        for index in prose.indices.reversed() where index > 0 { prose[Int(tree.nodes[index].parent)] += prose[index] }
    }

    private static func isProse(_ block: HTMLBlocks.Block) -> Bool {
        block.form == .code || block.unlinked >= 80 && block.linked * 2 < block.count
    }

    /// Marks what is hidden, and what lies around the text unless most of the page's prose is in it.
    private func surroundings() -> [Bool] {
        let all = prose[0]
        var skip = [Bool](repeating: false, count: parts.count)
        for index in parts.indices {
            let share = prose[index]
            switch parts[index] {
            case .hidden: skip[index] = true
            case .around: skip[index] = share * 5 < all * 2
            case .minor: skip[index] = share == 0 && Self.mayBeMinor(tree.nodes[index].tag)
            case .unknown, .main: break
            }
        }
        return skip
    }

    /// Parts of tables and lists and paragraphs are called after what is in them ("player", "date").
    private static func mayBeMinor(_ tag: HTMLTag) -> Bool {
        switch tag {
        case .p, .tr, .td, .th, .tbody, .thead, .tfoot, .table, .li, .dd, .dt, .pre, .blockquote: false
        default: !tag.isHeading
        }
    }

    // MARK: The main element

    private func value(_ block: HTMLBlocks.Block) -> Int {
        if block.linked * 2 > block.count { return -min(block.linked, 100) - 10 }
        switch block.form {
        case .code: return block.count
        case .heading: return 0
        case .paragraph, .quote: return block.unlinked >= 40 ? block.unlinked : 0
        case .item: return block.unlinked >= 80 ? block.unlinked / 2 : -10
        case .row: return block.unlinked / 4
        case .loose: return block.unlinked >= 80 ? block.unlinked * 3 / 4 : -20
        }
    }

    /// The element whose blocks are worth most; of equal ones the innermost.
    private func mainNode() -> Int {
        var worth = [Int](repeating: 0, count: tree.nodes.count)
        for block in blocks.blocks { worth[Int(block.node)] += value(block) }
        for index in worth.indices.reversed() where index > 0 { worth[Int(tree.nodes[index].parent)] += worth[index] }
        var best = 0
        for index in worth.indices where !tree.nodes[index].isText && !tree.nodes[index].tag.isInline {
            if score(index, worth[index]) >= score(best, worth[best]) { best = index }
        }
        return parts[best] == .main ? whole(best) : best
    }

    /// Where the text is cut into several elements that are called so, what holds them together.
    private func whole(_ part: Int) -> Int {
        var shares = [Int](repeating: 0, count: tree.nodes.count)
        for index in shares.indices.reversed() where index > 0 {
            if parts[index] == .main { shares[index] = prose[index] }
            shares[Int(tree.nodes[index].parent)] += shares[index]
        }
        var (best, node) = (part, part)
        for _ in 0..<4 where node > 0 {
            node = Int(tree.nodes[node].parent)
            if shares[node] * 5 > prose[best] * 6, shares[node] * 10 > prose[node] * 7 { best = node }
        }
        return best
    }

    private func score(_ node: Int, _ worth: Int) -> Int {
        if worth > 0 {
            if parts[node] == .main { return worth * 5 / 2 }
            if tree.nodes[node].tag == .article { return worth * 3 / 2 }
        }
        return worth
    }

    // MARK: What of it is kept

    private func selected(_ main: Int) -> [HTMLBlocks.Block] {
        let inside = descendants(of: main)
        var kept: [HTMLBlocks.Block] = []
        var muteLevel = Int.max
        var isAfterOffer = false
        var seen: [ByteKey: Int32] = [:]
        for block in blocks.blocks where inside[Int(block.node)] {
            let bytes = blocks.text[block.text]
            if case .heading(let level) = block.form {
                if level <= muteLevel { muteLevel = .max }
                isAfterOffer = false
                if Boilerplate.isHeading(bytes) { muteLevel = level }
            } else if block.form == .paragraph || block.form == .loose, Boilerplate.isHeading(bytes) {
                isAfterOffer = true
                continue
            } else if block.form != .item, Self.isProse(block) {
                isAfterOffer = false
            }
            if muteLevel != .max || isAfterOffer || !isContent(block) { continue }
            // Pages repeat captions and summaries for other screens, elsewhere; what is said twice in one place is meant so.
            if bytes.count >= 60, block.form != .code {
                let place = tree.nodes[Int(block.node)].parent
                if let before = seen[ByteKey(bytes)], before != place { continue }
                seen[ByteKey(bytes)] = place
            }
            kept.append(block)
        }
        // Headings after which nothing comes.
        while let last = kept.last, case .heading = last.form { kept.removeLast() }
        return kept
    }

    private func descendants(of main: Int) -> [Bool] {
        var inside = [Bool](repeating: false, count: tree.nodes.count)
        inside[main] = true
        for index in inside.indices where index > main { inside[index] = inside[Int(tree.nodes[index].parent)] }
        return inside
    }

    private func isContent(_ block: HTMLBlocks.Block) -> Bool {
        let bytes = blocks.text[block.text]
        if case .heading(let level) = block.form { return level > 1 && block.linked * 2 <= block.count }
        if block.form == .code { return true }
        if Boilerplate.isLine(bytes) { return false }
        if block.linked * 10 > block.count * 7 { return false }
        switch block.form {
        case .loose:
            let tag = tree.nodes[Int(block.node)].tag
            return block.unlinked >= 40 || tag == .td || tag == .th
        default: return true
        }
    }

    private mutating func write(_ kept: [HTMLBlocks.Block]) {
        var last: HTMLBlocks.Form?
        for block in kept {
            if let last { text += last == block.form && (last == .item || last == .row) ? [10] : [10, 10] }
            if block.form == .item { text += [0x2D, 0x20] }
            text += blocks.text[block.text]
            last = block.form
        }
    }
}
