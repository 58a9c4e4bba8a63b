import QuintetCorpus
import QuintetFiles
import QuintetReports

extension Demo {
    /// The model's bits per byte on the held-out documents, beside what simple ways need for the same ones.
    func comparison(_ outcome: PretrainOutcome) throws -> RunReport.Comparison? {
        guard let bitsPerByte = outcome.evaluation?.bitsPerByte else { return nil }
        let baselines = try Baselines.measure(documents: documents, holdOut: TokenDataset(shards).holdOut)
        let comparison = RunReport.Comparison(
            "Bits per byte of held-out text",
            note: "What each way of predicting needs for one byte of \(baselines.documents) documents "
                + "(\(Number.compact(Double(baselines.bytes)))B) that the model has never seen. Less is better. "
                + "gzip compresses each document by itself, at its highest level; the byte table knows how often each byte occurs.",
            bars: [
                .init("this model", bitsPerByte, isOurs: true), .init("gzip -9", baselines.gzipBitsPerByte),
                .init("byte frequencies", baselines.unigramBitsPerByte),
            ])
        for bar in comparison.bars {
            let blocks = String(repeating: "#", count: max(1, Int(min(8, bar.value) * 6)))
            detail("\(bar.name.padded(18))\(Number.fixed(bar.value, digits: 3))  \(blocks)")
        }
        return comparison
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
