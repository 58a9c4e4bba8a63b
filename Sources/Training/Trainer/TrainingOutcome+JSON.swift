public import QuintetFiles

extension PretrainOutcome {
    /// How the session ended, for programs.
    public func json(run: String) -> JSON {
        let end =
            switch self.end {
            case .finished: "finished"
            case .alreadyFinished: "already finished"
            case .interrupted: "interrupted"
            }
        return [
            "run": .string(run), "end": .string(end), "step": JSON(step), "train/loss": lastLoss.map { .number($0) } ?? .null,
            "val/loss": evaluation.map { .number($0.loss) } ?? .null, "val/bpb": evaluation?.bitsPerByte.map { .number($0) } ?? .null,
            "val/perplexity": evaluation?.perplexity.map { .number($0) } ?? .null,
        ]
    }
}
