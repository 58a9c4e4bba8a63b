import QuintetTensors

/// Matrices of several tensors that take turns in one: the first of each, then the second of each. They are moved as bytes, blocks whole.
struct Alternation {
    /// Of each tensor: how many matrices, then what one is.
    private let shapes: [[Int]]

    init(_ shapes: [[Int]]) { self.shapes = shapes }

    private func elements(_ index: Int) -> Int { shapes[index].dropFirst().reduce(1, *) }

    /// The whole, under our shape; tensors of different types meet in f32.
    func whole(_ parts: [Tensor], _ shape: [Int]) -> Tensor {
        let same = parts.allSatisfy { $0.dtype == parts[0].dtype }
        let parts = parts.map { same ? $0.contiguous() : $0.cast(to: .f32).contiguous() }
        let whole = Tensor(uninitialized: Shape(shape), dtype: parts[0].dtype)
        move(whole) { index, turn, bytes, place in place.copyMemory(from: parts[index].data + turn * bytes, byteCount: bytes) }
        return whole
    }

    /// One of the tensors out of the whole.
    func part(_ wanted: Int, of whole: Tensor) -> Tensor {
        let part = Tensor(uninitialized: Shape(shapes[wanted]), dtype: whole.dtype)
        move(whole.contiguous()) { index, turn, bytes, place in
            if index == wanted { (part.data + turn * bytes).copyMemory(from: place, byteCount: bytes) }
        }
        return part
    }

    private func move(_ whole: Tensor, _ body: (_ index: Int, _ turn: Int, _ bytes: Int, _ place: UnsafeMutableRawPointer) -> Void) {
        var place = whole.data
        for turn in 0..<(shapes.first?.first ?? 0) {
            for index in shapes.indices {
                let bytes = whole.dtype.bytes(elements(index))
                body(index, turn, bytes, place)
                place += bytes
            }
        }
    }
}
