import CQuintetKernels

/// The matrices of several products of one shape: one for each expert, or for each head.
///
/// Group g owns rows `first + g * step` up to `+ height` of one matrix [rows, columns]; `turned` multiplies with their transpose.
public struct GroupedWeight: Sendable {
    public let groups: Int
    public let outputs: Int, inputs: Int
    let matrix: Tensor
    let layout: GroupLayout
    private let each: [Weight]
    /// The groups' addresses, which the kernel reads.
    private let addresses: AddressTable

    /// Over one matrix as it lies, which gradients may flow into.
    public init(_ matrix: Tensor, _ layout: GroupLayout) {
        self.init(matrix, layout) { .dense($0) }
    }

    /// Each group's matrix held the way `held` says (packed once, say).
    public init(_ matrix: Tensor, _ layout: GroupLayout, held: (Tensor) -> Weight) {
        precondition(matrix.shape.rank == 2 && layout.first + (layout.groups - 1) * layout.step + layout.height <= matrix.shape[0])
        groups = layout.groups
        self.layout = layout
        let columns = matrix.shape[1]
        (outputs, inputs) = layout.orientation == .turned ? (columns, layout.height) : (layout.height, columns)
        each = (0..<layout.groups).map { group in
            let start = layout.first + group * layout.step
            let part = matrix.slice(0, start..<start + layout.height)
            return held(layout.orientation == .turned ? part.transposed : part)
        }
        let isDense = if case .dense = each.first { true } else { false }
        // Other forms own their bytes; the matrix itself need not stay in memory.
        self.matrix = isDense ? matrix : Tensor(uninitialized: [0, columns])
        addresses = AddressTable(each.map(\.address))
    }

    fileprivate var isDense: Bool { if case .dense = each.first { true } else { false } }

    /// Bytes as stored.
    public var byteCount: Int { each.reduce(0) { $0 + $1.byteCount } }

    fileprivate func place(in call: inout KernelCall) {
        each[0].place(in: &call)
        call.p.2 = addresses.base
        call.n.17 = Int64(groups)
    }
}

/// Which rows of one matrix belong to which group.
public struct GroupLayout: Sendable, Equatable {
    public var groups: Int
    /// Rows of a group, the first group's first row, and rows from group to group.
    public var height: Int, first: Int, step: Int
    public var orientation: Orientation

    /// Whether rows are outputs, as everywhere, or inputs.
    public enum Orientation: Sendable, Equatable { case plain, turned }

    public init(groups: Int, height: Int, first: Int = 0, step: Int? = nil, orientation: Orientation = .plain) {
        self.groups = groups
        self.height = height
        self.first = first
        self.step = step ?? height
        self.orientation = orientation
    }
}

/// Addresses in memory of their own, never in a recording's.
// Sendable: written once, in init.
private final class AddressTable: @unchecked Sendable {
    let base: UnsafeMutableRawPointer

    init(_ addresses: [UnsafeMutableRawPointer]) {
        base = .allocate(byteCount: max(addresses.count, 1) * MemoryLayout<UInt>.stride, alignment: 64)
        for (index, address) in addresses.enumerated() {
            base.storeBytes(of: UInt(bitPattern: address), toByteOffset: index * MemoryLayout<UInt>.stride, as: UInt.self)
        }
    }

    deinit { base.deallocate() }
}

/// Which columns of a row a group reads or writes: `start` of the first group, then every `step`, of `width` in all.
public struct GroupColumns: Sendable, Equatable {
    public var start: Int, step: Int, width: Int

    public init(start: Int = 0, step: Int, width: Int) {
        self.start = start
        self.step = step
        self.width = width
    }
}

/// x W[e]^T + bias[e] for the rows of each expert: x [places, inputs] in the order of the routes gives [places, outputs].
///
/// `bias` [experts, outputs]. A place's bits depend on its row and expert alone.
public func expertProduct(_ x: Tensor, _ weight: GroupedWeight, bias: Tensor? = nil, _ routes: Routes, _ tape: Tape? = nil) -> Tensor {
    precondition(x.shape.columns == weight.inputs && x.isContiguous)
    let y = Tensor(uninitialized: [x.shape.rows, weight.outputs])
    var call = KernelCall(QK_OP_GEMM_GROUPS, kind: QK_IDENTITY)
    weight.place(in: &call)
    call.p.0 = y.data
    call.p.1 = x.data
    call.p.3 = bias?.data
    call.p.7 = routes.offsets.data
    setProduct(&call, rows: x.shape.rows, weight, aStride: weight.inputs, cStride: weight.outputs)
    call.run()
    guard let tape, weight.isDense, [x, weight.matrix, bias].compactMap({ $0 }).contains(where: tape.needs) else { return y }
    let saved = tape.save(x)
    return tape.record(y) { dy, gradients in
        if let bias, gradients.wants(bias) { expertBiasGradient(dy, routes, gradients.destination(for: bias)) }
        if gradients.wants(weight.matrix) {
            var call = gradientCall(weight, dy, saved.value, gradients.destination(for: weight.matrix))
            call.p.7 = routes.offsets.data
            call.run()
        }
        guard gradients.wants(x) else { return }
        let dx = Tensor(uninitialized: x.shape)
        var call = turnedCall(weight)
        call.p.0 = dx.data
        call.p.1 = dy.data
        call.p.7 = routes.offsets.data
        setTurned(&call, rows: x.shape.rows, weight, aStride: weight.outputs, cStride: weight.inputs)
        call.run()
        gradients.add(dx, to: x)
    }
}

/// x W[g]^T for every row and group: group g reads columns `from` of x and writes columns `to` of the result; the columns of the
/// result that no group writes are `x`'s columns `kept`, copied group by group.
///
/// x [rows, from.width] gives [rows, to.width].
public func groupProduct(
    _ x: Tensor, _ weight: GroupedWeight, from: GroupColumns, to: GroupColumns, kept: KeptColumns? = nil, _ tape: Tape? = nil
) -> Tensor {
    let x = x.contiguous()
    precondition(x.shape.columns == from.width && weight.groups * to.step == to.width)
    let y = Tensor(uninitialized: [x.shape.rows, to.width])
    var call = KernelCall(QK_OP_GEMM_GROUPS, kind: QK_IDENTITY)
    weight.place(in: &call)
    call.p.0 = y.data + to.start * 4
    call.p.1 = x.data + from.start * 4
    setProduct(&call, rows: x.shape.rows, weight, aStride: from.width, cStride: to.width)
    (call.n.18, call.n.19) = (Int64(from.step), Int64(to.step))
    call.run()
    if let kept { copyGroups(x, from, kept.from, y, to, kept.to, weight.groups, kept.width) }
    guard let tape, weight.isDense, tape.needs(x) || tape.needs(weight.matrix) else { return y }
    let saved = tape.save(x)
    return tape.record(y) { dy, gradients in
        let dy = dy.contiguous()
        if gradients.wants(weight.matrix) { groupWeightGradient(weight, dy, to, saved.value, from, gradients) }
        guard gradients.wants(x) else { return }
        let dx = Tensor.filled(x.shape)
        var call = turnedCall(weight)
        call.p.0 = dx.data + from.start * 4
        call.p.1 = dy.data + to.start * 4
        setTurned(&call, rows: x.shape.rows, weight, aStride: to.width, cStride: from.width)
        (call.n.18, call.n.19) = (Int64(to.step), Int64(from.step))
        call.run()
        if let kept { copyGroups(dy, to, kept.to, dx, from, kept.from, weight.groups, kept.width) }
        gradients.add(dx, to: x)
    }
}

/// Columns that pass through a group product unchanged: `width` of them at `from` in a group's share of the input, `to` in the output's.
public struct KeptColumns: Sendable, Equatable {
    public var from: Int, to: Int, width: Int

    public init(from: Int, to: Int, width: Int) {
        self.from = from
        self.to = to
        self.width = width
    }
}

private func setProduct(_ call: inout KernelCall, rows: Int, _ weight: GroupedWeight, aStride: Int, cStride: Int) {
    call.n.0 = Int64(rows)
    call.n.1 = Int64(weight.outputs)
    call.n.2 = Int64(weight.inputs)
    call.n.3 = Int64(aStride)
    call.n.4 = 1
    call.n.7 = Int64(cStride)
    call.s.0 = 1
}

/// The same matrices, multiplied from the other side: for the gradient of the input.
private func turnedCall(_ weight: GroupedWeight) -> KernelCall {
    var call = KernelCall(QK_OP_GEMM_GROUPS, kind: QK_IDENTITY)
    weight.place(in: &call)
    (call.n.5, call.n.6) = (call.n.6, call.n.5)
    return call
}

private func setTurned(_ call: inout KernelCall, rows: Int, _ weight: GroupedWeight, aStride: Int, cStride: Int) {
    setProduct(&call, rows: rows, weight, aStride: aStride, cStride: cStride)
    (call.n.1, call.n.2) = (call.n.2, call.n.1)
}

/// dW of every group from the gradients of its outputs and its inputs, both in the order of the places.
private func gradientCall(
    _ weight: GroupedWeight, _ dy: Tensor, _ x: Tensor, _ destination: (gradient: Tensor, adds: Bool)
) -> KernelCall {
    var call = KernelCall(QK_OP_GEMM_GROUPS_GRAD)
    let isTurned = weight.layout.orientation == .turned
    let (high, wide) = isTurned ? (x, dy) : (dy, x)
    call.p.0 = destination.gradient.data + weight.layout.first * destination.gradient.shape[1] * 4
    call.p.1 = high.data
    call.p.2 = wide.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(isTurned ? weight.inputs : weight.outputs)
    call.n.2 = Int64(isTurned ? weight.outputs : weight.inputs)
    call.n.3 = Int64(high.rowStride)
    call.n.4 = Int64(wide.rowStride)
    call.n.7 = Int64(weight.layout.step * destination.gradient.shape[1])
    call.n.10 = destination.adds ? 1 : 0
    call.n.17 = Int64(weight.groups)
    return call
}

private func groupWeightGradient(
    _ weight: GroupedWeight, _ dy: Tensor, _ to: GroupColumns, _ x: Tensor, _ from: GroupColumns, _ gradients: Gradients
) {
    let (gradient, adds) = gradients.destination(for: weight.matrix)
    // Several grouped products may share a matrix, each with rows of its own: what none has written counts as zero.
    if !adds { gradient.fill(0) }
    var call = gradientCall(weight, dy, x, (gradient, true))
    let isTurned = weight.layout.orientation == .turned
    let (high, wide) = isTurned ? (from, to) : (to, from)
    call.p.1 = (isTurned ? x : dy).data + high.start * 4
    call.p.2 = (isTurned ? dy : x).data + wide.start * 4
    (call.n.5, call.n.6) = (Int64(high.step), Int64(wide.step))
    call.run()
}

private func expertBiasGradient(_ dy: Tensor, _ routes: Routes, _ destination: (gradient: Tensor, adds: Bool)) {
    if !destination.adds { destination.gradient.fill(0) }
    let offsets = routes.offsets.integers.map(Int.init)
    for expert in 0..<(offsets.count - 1) where offsets[expert] < offsets[expert + 1] {
        sumRows(dy.slice(0, offsets[expert]..<offsets[expert + 1]), into: destination.gradient.slice(0, expert..<expert + 1), adds: true)
    }
}

/// Copies `width` columns of every group's share from one layout to another.
private func copyGroups(
    _ x: Tensor, _ from: GroupColumns, _ fromStart: Int, _ y: Tensor, _ to: GroupColumns, _ toStart: Int, _ groups: Int, _ width: Int
) {
    var call = KernelCall(QK_OP_COPY, kind: 4)
    call.p.0 = y.data + toStart * 4
    call.p.1 = x.data + fromStart * 4
    call.n.0 = 3
    (call.n.1, call.n.2, call.n.3) = (Int64(x.shape.rows), Int64(groups), Int64(width))
    (call.n.7, call.n.8, call.n.9) = (Int64(to.width), Int64(to.step), 1)
    (call.n.13, call.n.14, call.n.15) = (Int64(from.width), Int64(from.step), 1)
    call.run()
}
