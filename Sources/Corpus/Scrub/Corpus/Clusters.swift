/// Documents that are joined in pairs, and the clusters that come of it: four bytes a document.
struct Clusters {
    /// While documents are joined: one of the same cluster with a smaller number, or itself. Then, for members, `mark` and the cluster's number.
    private var parent: [UInt32]
    private(set) var count = 0
    private static let mark: UInt32 = 1 << 31
    /// Numbers of documents have to leave room for the mark.
    static let documentLimit = Int(mark)

    /// Joins documents as `pairs` says; they are numbered from 0.
    init(documents: Int, _ pairs: (_ join: (UInt32, UInt32) -> Void) throws -> Void) rethrows {
        var parent = (0..<UInt32(truncatingIfNeeded: documents)).map { $0 }
        func root(_ x: UInt32) -> UInt32 {
            var x = x
            while parent[Int(x)] != x {
                parent[Int(x)] = parent[Int(parent[Int(x)])]
                x = parent[Int(x)]
            }
            return x
        }
        try pairs { a, b in
            let (a, b) = (root(a), root(b))
            if a != b { parent[Int(max(a, b))] = min(a, b) }
        }
        self.parent = parent
        number()
    }

    /// A root comes before all others of its cluster.
    private mutating func number() {
        for i in parent.indices { parent[i] = parent[Int(parent[i])] }
        for i in parent.indices where Int(parent[i]) != i {
            let root = Int(parent[i])
            if parent[root] & Self.mark == 0 {
                parent[root] = Self.mark | UInt32(truncatingIfNeeded: count)
                count += 1
            }
            parent[i] = parent[root]
        }
    }

    /// The number of the document's cluster; nil where it is like no other.
    func cluster(of document: Int) -> Int? {
        let value = parent[document]
        return value & Self.mark == 0 ? nil : Int(value ^ Self.mark)
    }
}
