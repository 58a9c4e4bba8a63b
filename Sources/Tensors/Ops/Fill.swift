import CQuintetKernels

extension Tensor {
    /// Sets every element of a contiguous f32 tensor.
    public func fill(_ value: Float) {
        precondition(dtype == .f32 && isContiguous)
        var call = KernelCall(QK_OP_FILL)
        call.p.0 = data
        call.n.0 = Int64(count)
        call.s.0 = value
        call.run()
    }

    /// Normal random numbers; element i depends on (seed, stream, i) only (Philox4x32-10, Box-Muller).
    public func fillNormal(mean: Float = 0, deviation: Float = 1, seed: UInt64, stream: UInt64 = 0) {
        random(kind: 0, mean, deviation, seed, stream)
    }

    /// Uniform random numbers in [low, high).
    public func fillUniform(low: Float = 0, high: Float = 1, seed: UInt64, stream: UInt64 = 0) {
        random(kind: 1, low, high, seed, stream)
    }

    private func random(kind: Int, _ a: Float, _ b: Float, _ seed: UInt64, _ stream: UInt64) {
        precondition(dtype == .f32 && isContiguous)
        var call = KernelCall(QK_OP_RANDOM, kind: kind)
        call.p.0 = data
        call.n.0 = Int64(count)
        call.n.2 = Int64(bitPattern: seed)
        call.n.3 = Int64(bitPattern: stream)
        call.s.0 = a
        call.s.1 = b
        call.run()
    }
}
