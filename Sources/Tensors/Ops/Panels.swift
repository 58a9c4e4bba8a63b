import CQuintetKernels

/// Packed weights in memory: sixteen rows side by side, panel after panel.
struct Panels: Sendable {
    static let rows = Int(QK_PANEL)
    private let storage: Storage

    var data: UnsafeMutableRawPointer { storage.base }

    static func byteCount(rows: Int, columns: Int, _ dtype: DType) -> Int {
        Int(qk_gemm_packed_bytes(Int64(rows), Int64(columns), Int32(dtype.rawValue)))
    }

    /// Packs matrices of one type, one below the other.
    init(packing parts: [Tensor]) {
        let (rows, dtype) = (parts.reduce(0) { $0 + $1.shape[0] }, parts[0].dtype)
        storage = LongLivedMemory.storage(Self.byteCount(rows: rows, columns: parts[0].shape[1], dtype))
        let aligned = parts.dropLast().allSatisfy { $0.shape[0] % Self.rows == 0 }
        fill(aligned ? parts : [concatenate(parts, axis: 0)])
    }

    private func fill(_ parts: [Tensor]) {
        var start = 0
        for part in parts {
            for rows in Self.slices(part) {
                let slice = part.slice(0, rows)
                Self.pack(slice, data + start + Self.byteCount(rows: rows.lowerBound, columns: part.shape[1], part.dtype))
                slice.discardPages()
            }
            start += Self.byteCount(rows: part.shape[0], columns: part.shape[1], part.dtype)
        }
    }

    /// Rows of some megabytes: so much lies in memory twice while a file's pages are consumed.
    private static func slices(_ part: Tensor) -> [Range<Int>] {
        let rowBytes = part.byteCount / max(part.shape[0], 1)
        let step = max(1, (8 << 20) / max(rowBytes * rows, 1)) * rows
        return stride(from: 0, to: part.shape[0], by: step).map { $0..<min($0 + step, part.shape[0]) }
    }

    private static func pack(_ weights: Tensor, _ to: UnsafeMutableRawPointer) {
        var call = KernelCall(QK_OP_GEMM_PACK)
        call.p.0 = to
        call.p.1 = weights.data
        call.n.0 = Int64(weights.shape[0])
        call.n.1 = Int64(weights.shape[1])
        call.n.5 = Int64(weights.strides[1])
        call.n.6 = Int64(weights.strides[0])
        call.n.11 = weights.dtype.rawValue
        call.run()
    }
}

/// Memory whose pages can be read again from where they came, such as a mapped file's.
public protocol DiscardablePages: AnyObject {
    /// Tells the system that these pages are not needed soon.
    func discard(_ bytes: UnsafeRawBufferPointer)
}

extension Tensor {
    /// Gives back the pages of elements that were consumed, where they belong to a file.
    func discardPages() { storage.discard(UnsafeRawBufferPointer(start: data, count: isContiguous ? byteCount : 0)) }
}
