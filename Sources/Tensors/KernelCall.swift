public import CQuintetKernels

/// A kernel call as a plain value: opcode, pointers, dimensions and scalars, as `quintet_kernels.h` describes them.
public typealias KernelCall = QKCall

extension KernelCall {
    public init(_ op: Int, kind: Int = 0) {
        self.init()
        self.op = Int32(op)
        self.kind = Int32(kind)
    }

    /// Runs the call on the CPU, or records it as well while a recording is open on this thread.
    public func run() {
        withUnsafePointer(to: self) { qk_run($0) }
    }
}

/// How many threads the kernels use; bits do not depend on it.
public enum Threads {
    public static var count: Int { Int(qk_threads()) }
    public static func use(_ count: Int) { qk_set_threads(Int32(clamping: count)) }
}

/// The instruction set the kernels run on: scalar, avx2, avx512 or neon.
public enum InstructionSet {
    public static var name: String { String(cString: qk_isa()) }
    /// Forces an instruction set; false where it cannot run here.
    @discardableResult public static func use(_ name: String) -> Bool { qk_set_isa(name) }
}
