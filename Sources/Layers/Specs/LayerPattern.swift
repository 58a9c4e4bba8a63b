/// The blocks of a stack: a cycle of block kinds repeated until there are `count` (say five local, then one global).
///
/// However it is written, the shortest cycle is kept, so equal stacks are equal values.
public struct LayerPattern: Sendable, Equatable, RandomAccessCollection {
    public let cycle: [BlockSpec]
    public let count: Int

    /// The same block `count` times.
    public init(_ block: BlockSpec, count: Int) {
        cycle = [block]
        self.count = count
    }

    /// Repeats `cycle`; it may be as long as the model where no shorter cycle says it.
    public init(cycle: [BlockSpec], count: Int) {
        precondition(!cycle.isEmpty, "a layer pattern needs at least one block")
        self.cycle = Self.shortest(cycle, count)
        self.count = count
    }

    /// The blocks one by one.
    public init(_ blocks: [BlockSpec]) { self.init(cycle: blocks, count: blocks.count) }

    private static func shortest(_ cycle: [BlockSpec], _ count: Int) -> [BlockSpec] {
        let blocks = count > 0 && count < cycle.count ? Array(cycle.prefix(count)) : cycle
        let repeats = count > blocks.count
        let length = (1...blocks.count).first { length in
            (!repeats || blocks.count % length == 0) && blocks.indices.dropFirst(length).allSatisfy { blocks[$0] == blocks[$0 - length] }
        }
        return Array(blocks.prefix(length ?? blocks.count))
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { Swift.max(count, 0) }
    public subscript(index: Int) -> BlockSpec { cycle[index % cycle.count] }
}
