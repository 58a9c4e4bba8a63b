import QuintetCheckpoints

/// A selective state space in GGUF: decays are stored as the negative numbers that they stand for.
enum GGUFStateSpaceRows {
    static let rows: [WeightRow] = {
        let ours = "blocks.{}.stateSpace"
        return [
            "blk.{}.ssm_in.weight" <-> "\(ours).in.weight", .transposed("blk.{}.ssm_conv1d.weight") <-> "\(ours).convolution.weight",
            "blk.{}.ssm_conv1d.bias" <-> "\(ours).convolution.bias", "blk.{}.ssm_x.weight" <-> "\(ours).select.weight",
            "blk.{}.ssm_dt.weight" <-> "\(ours).step.weight", "blk.{}.ssm_dt.bias" <-> "\(ours).step.bias",
            .negativeExponential("blk.{}.ssm_a") <-> "\(ours).decay", "blk.{}.ssm_d" <-> "\(ours).skip", "blk.{}.ssm_out.weight" <-> "\(ours).out.weight",
        ]
    }()
}
