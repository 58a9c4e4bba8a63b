import QuintetTensors
import Testing

@Suite struct BlockFormatTests {
    @Test func numbersAndSizesAreGGMLs() {
        let table: [(DType, UInt32, Int, Int)] = [
            (.f32, 0, 1, 4), (.f16, 1, 1, 2), (.q4_0, 2, 32, 18), (.q4_1, 3, 32, 20), (.q5_0, 6, 32, 22), (.q5_1, 7, 32, 24), (.q8_0, 8, 32, 34),
            (.q2_K, 10, 256, 84), (.q3_K, 11, 256, 110), (.q4_K, 12, 256, 144), (.q5_K, 13, 256, 176), (.q6_K, 14, 256, 210),
            (.iq4_nl, 20, 32, 18), (.iq4_xs, 23, 256, 136), (.bf16, 30, 1, 2), (.mxfp4, 39, 32, 17),
        ]
        for (type, number, length, bytes) in table {
            #expect(type.ggml == number && DType(ggml: number) == type)
            #expect(type.blockLength == length && type.blockBytes == bytes)
        }
        #expect(DType(ggml: 4) == nil && DType(ggml: 1000) == nil)
    }

    @Test func castsGoBothWaysAndThroughHalves() {
        let x = Tensor((0..<1024).map { Float($0 % 37) - 18 }, [4, 256])
        for type in DType.allCases where type.isBlockFormat && type.canBeMade {
            let blocks = x.cast(to: type)
            #expect(blocks.shape == x.shape && blocks.byteCount == type.bytes(1024))
            let back = blocks.floats
            #expect(zip(back, x.floats).allSatisfy { abs($0 - $1) < 3 }, "\(type)")
            #expect(blocks.cast(to: .f16).floats == Tensor(back, [4, 256]).cast(to: .f16).floats)
            #expect(blocks.slice(0, 1..<3).floats == Array(back[256..<768]))
            #expect(x.cast(to: .bf16).cast(to: type).floats == back)
        }
    }
}
