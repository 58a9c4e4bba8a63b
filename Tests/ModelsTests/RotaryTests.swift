import QuintetFiles
import QuintetLayers
import Testing

/// Angles against those of `transformers` 5.23 (LlamaRotaryEmbedding, head width 16), to the last bits of f32.
@Suite struct RotaryTests {
    private func check(_ changes: JSONObject, length: Int, _ inverse: [Float], factor: Float, lastCosines: [Float]) throws {
        let rotary = try rotary(try spec(llamaConfig(changes)).spec)
        let ours = rotary.frequencies(length: length)
        #expect(abs(ours.factor - factor) < 1e-6)
        for (a, b) in zip(ours.inverse, inverse) { #expect(abs(a - b) <= 4 * b.ulp, "\(a) is not \(b)") }
        #expect(ours.inverse.count == inverse.count)
        let row = rotary.table(length: length, known: length).suffix(16)
        for (a, b) in zip(row, lastCosines) { #expect(abs(a - b) < 2e-6) }
    }

    @Test func plain() throws {
        try check(
            [:], length: 17,
            [1, 0.3162277638912201, 0.10000000149011612, 0.03162277862429619, 0.009999999776482582, 0.003162277862429619, 0.0010000000474974513, 0.0003162277862429619],
            factor: 1, lastCosines: [-0.9576594829559326, 0.3403181731700897, -0.029199546203017235, 0.8747074604034424])
    }

    @Test func linear() throws {
        try check(
            ["rope_scaling": ["type": "linear", "factor": 4.0]], length: 17,
            [0.25, 0.07905694097280502, 0.02500000037252903, 0.007905694656074047, 0.0024999999441206455, 0.0007905694656074047, 0.0002500000118743628, 7.905694656074047e-05],
            factor: 1, lastCosines: [-0.6536436080932617, 0.3011374771595001, 0.9210609793663025, 0.9920106530189514])
    }

    @Test func dynamic() throws {
        let grown: [Float] = [
            1, 0.28394514322280884, 0.08062484115362167, 0.0228930301964283, 0.0065003652125597, 0.0018457469996064901, 0.0005240908940322697, 0.00014881306560710073,
        ]
        let rotary = try rotary(try spec(llamaConfig(["rope_scaling": ["type": "dynamic", "factor": 2.0]])).spec)
        for (a, b) in zip(rotary.frequencies(length: 50).inverse, grown) { #expect(abs(a - b) <= 1e-6 * b) }
        #expect(rotary.frequencies(length: 32).inverse == Rotary(width: 16).frequencies(length: 32).inverse)
    }

    @Test func llama3() throws {
        try check(
            [
                "max_position_embeddings": 512, "rope_theta": 500000.0,
                "rope_scaling": [
                    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
                ],
            ], length: 17,
            [1, 0.07940301299095154, 0.004700753837823868, 0.0009115831344388425, 0.00017677668074611574, 3.428102354519069e-05, 6.647869668086059e-06, 1.289173155782919e-06],
            factor: 1, lastCosines: [-0.9576594829559326, 0.29585275053977966, 0.9971728920936584, 0.9998936653137207])
    }

    @Test func yarn() throws {
        try check(
            ["max_position_embeddings": 128, "rope_scaling": ["rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32]],
            length: 17,
            [1, 0.19764235615730286, 0.02500000037252903, 0.007905694656074047, 0.0024999999441206455, 0.0007905694656074047, 0.0002500000118743628, 7.905694656074047e-05],
            factor: 1.138629436111989, lastCosines: [-1.0904192924499512, -1.1383858919143677, 1.048747181892395, 1.1295325756072998])
    }

    @Test func yarnWithEverySetting() throws {
        try check(
            [
                "max_position_embeddings": 128,
                "rope_scaling": [
                    "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "truncate": false, "beta_fast": 16.0,
                    "beta_slow": 2.0, "mscale": 0.7, "mscale_all_dim": 0.3,
                ],
            ], length: 17,
            [1, 0.07905694097280502, 0.02500000037252903, 0.007905694656074047, 0.0024999999441206455, 0.0007905694656074047, 0.0002500000118743628, 7.905694656074047e-05],
            factor: 1.0532376815143234, lastCosines: [-1.0086430311203003, 0.31716933846473694, 0.9700961112976074, 1.0448230504989624])
    }

    /// A prompt turns by the angles of its own length; what comes after it by those of the sequence that ends there.
    @Test func dynamicTablesFollowTheReader() throws {
        let rotary = try rotary(try spec(llamaConfig(["rope_scaling": ["type": "dynamic", "factor": 2.0]])).spec)
        func row(_ table: [Float], _ position: Int) -> [Float] { Array(table[position * 16..<(position + 1) * 16]) }
        let (short, long) = (rotary.table(length: 64, known: 8), rotary.table(length: 64, known: 50))
        let plain = Rotary(width: 16).table(length: 64, known: 64)
        for position in 0..<32 { #expect(row(short, position) == row(plain, position)) }
        for position in [32, 40, 63] {
            #expect(row(short, position) == row(rotary.table(length: position + 1, known: position + 1), position))
            #expect(row(short, position) != row(plain, position))
        }
        #expect(row(long, 0) == row(plain, 0))
        for position in [1, 31, 49] { #expect(row(long, position) == row(rotary.table(length: 50, known: 50), position)) }
        #expect(row(long, 60) == row(short, 60))
    }

    @Test func slopesOfALiBi() {
        #expect(AttentionPositions.alibi(maxBias: 8).slopes(heads: 4) == [0.25, 0.0625, 0.015625, 0.00390625])
        let six = AttentionPositions.alibi(maxBias: 8).slopes(heads: 6)
        #expect(six == [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125])
        #expect(AttentionPositions.none.slopes(heads: 4) == nil)
    }
}
