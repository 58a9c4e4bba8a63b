import CQuintetKernels
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How often every item ran, and in which pieces. Chunks touch different items, so no two threads write the same place.
private final class Tally {
    let counts: Memory<Int32>
    let items: Int, grain: Int
    var inner = 0
    var wrong = Memory<Int32>([0])

    init(items: Int, grain: Int, inner: Int = 0) {
        self.items = items
        self.grain = grain
        self.inner = inner
        counts = Memory([Int32](repeating: 0, count: max(items, 1) * max(inner, 1)))
    }

    func run() {
        qk_parallel(
            Int64(items), Int64(grain),
            { context, begin, end in
                guard let context else { return }
                Unmanaged<Tally>.fromOpaque(context).takeUnretainedValue().chunk(Int(begin), Int(end))
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func chunk(_ begin: Int, _ end: Int) {
        if begin % grain != 0 || end != min(items, begin + grain) { wrong.pointer[0] = 1 }
        for i in begin..<end {
            if inner == 0 { counts.pointer[i] += 1 } else { nested(i) }
        }
    }

    /// A nested call runs on the thread that makes it.
    private func nested(_ i: Int) {
        let place = Tally(items: inner, grain: 3)
        place.run()
        for j in 0..<inner { counts.pointer[i * inner + j] += place.counts.pointer[j] }
    }
}

extension KernelTests {
    @Suite struct Pool {
        @Test func everyItemRunsOnce() {
            for threads in [1, 2, 3, 7] {
                with(isa: "scalar", threads: threads) {
                    for (items, grain) in [(0, 1), (1, 1), (2, 1), (7, 3), (1000, 1), (1000, 7), (1000, 999), (5, 100)] {
                        let tally = Tally(items: items, grain: grain)
                        for _ in 0..<20 { tally.run() }
                        #expect(tally.counts.values.prefix(items).allSatisfy { $0 == 20 } && tally.wrong.values == [0])
                    }
                }
            }
        }

        @Test func nestedCallsRun() {
            with(isa: "scalar", threads: 3) {
                let tally = Tally(items: 20, grain: 2, inner: 10)
                tally.run()
                #expect(tally.counts.values.allSatisfy { $0 == 1 })
            }
        }

        @Test func severalCallersAtOnce() {
            with(isa: "scalar", threads: 2) {
                let tallies = (0..<4).map { _ in Tally(items: 100, grain: 3) }
                var threads: [pthread_t] = []
                for tally in tallies {
                    #if canImport(Darwin)
                        var thread: pthread_t?
                    #else
                        var thread = pthread_t()
                    #endif
                    let context = Unmanaged.passUnretained(tally).toOpaque()
                    pthread_create(&thread, nil, pool_caller, context)
                    #if canImport(Darwin)
                        if let thread { threads.append(thread) }
                    #else
                        threads.append(thread)
                    #endif
                }
                for thread in threads { pthread_join(thread, nil) }
                for tally in tallies { #expect(tally.counts.values.allSatisfy { $0 == 200 }) }
            }
        }

        @Test func parkedWorkersWakeUp() {
            with(isa: "scalar", threads: 2) {
                let tally = Tally(items: 64, grain: 1)
                for _ in 0..<5 {
                    tally.run()
                    usleep(2000)
                }
                #expect(tally.counts.values.allSatisfy { $0 == 5 })
            }
        }

        @Test func threadCountsAreKeptInRange() {
            let before = qk_threads()
            defer { qk_set_threads(before) }
            for (asked, given) in [(1, 1), (0, 1), (-5, 1), (3, 3), (100_000, 256)] as [(Int32, Int32)] {
                qk_set_threads(asked)
                #expect(qk_threads() == given)
            }
        }

        @Test func scratchIsAlignedAndGrows() {
            for bytes in [0, 1, 100, 5000, 3 << 20, 64] {
                let memory = qk_scratch(bytes)
                #expect(memory.map { UInt(bitPattern: $0) % 64 } == 0)
                memory?.initializeMemory(as: UInt8.self, repeating: 1, count: bytes)
            }
        }
    }
}

#if canImport(Darwin)
    private func pool_caller(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        for _ in 0..<200 { Unmanaged<Tally>.fromOpaque(context).takeUnretainedValue().run() }
        return nil
    }
#else
    private func pool_caller(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let context else { return nil }
        for _ in 0..<200 { Unmanaged<Tally>.fromOpaque(context).takeUnretainedValue().run() }
        return nil
    }
#endif
