public import QuintetFiles

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a classifier says about one text or word.
public struct Prediction: Sendable, Equatable {
    /// The likeliest class; of a model that rates, its number as text.
    public var label: String
    /// Of that class; 1 for a model that rates.
    public var probability: Double
    /// Every class with its probability, the likeliest first; empty for a model that rates.
    public var all: [(label: String, probability: Double)] = []
    /// What a model that rates says.
    public var value: Double?

    init(value: Float) {
        (label, probability, self.value) = ("\(value)", 1, Double(value))
    }

    /// Softmax of the scores. Equal ones are in the order of their indices.
    init(_ scores: [Float], _ labels: [String]) {
        let top = Double(scores.max() ?? 0)
        let parts = scores.map { exp(Double($0) - top) }
        let sum = parts.reduce(0, +)
        let order = scores.indices.sorted { scores[$0] == scores[$1] ? $0 < $1 : scores[$0] > scores[$1] }
        all = order.map { (labels[$0], parts[$0] / sum) }
        (label, probability) = all.first ?? ("", 0)
    }

    public static func == (a: Prediction, b: Prediction) -> Bool {
        a.label == b.label && a.value == b.value && a.all.elementsEqual(b.all) { $0 == $1 }
    }

    public var json: JSON {
        if let value { return ["value": .number(value)] }
        var probabilities: JSONObject = [:]
        for (label, probability) in all { probabilities[label] = .number(probability) }
        return ["label": .string(label), "probability": .number(probability), "probabilities": .object(probabilities)]
    }
}
