import CQuintetKernels
import Testing

@Suite struct MinHashTests {
    /// Every instruction set gives the plain loop's minima, for counts around the block of 56.
    @Test(arguments: [0, 1, 7, 1000], [1, 55, 56, 57, 112, 200])
    func agrees(_ count: Int, _ hashes: Int) {
        func draw(_ seed: UInt64, _ n: Int) -> [UInt64] {
            var state = seed
            return (0..<n).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return state ^ state >> 29
            }
        }
        let prime: UInt64 = (1 << 61) - 1
        let (x, a, b) = (draw(1, count), draw(2, hashes).map { $0 % prime }, draw(3, hashes).map { $0 % prime })
        var minima = [UInt64](repeating: 0, count: hashes)
        qk_minhash(x, Int64(count), a, b, Int64(hashes), &minima)
        let expected = (0..<hashes).map { h in x.map { ($0 &* a[h] &+ b[h]) % prime }.min() ?? .max }
        #expect(minima == expected)
    }
}
