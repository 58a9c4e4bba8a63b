import QuintetCheckpoints

/// One thing that an architecture writes beside its table of fields: a key of the metadata, or a small tensor.
struct GGUFSetting: Sendable {
    typealias Value = GGUFWriter.Value

    enum Kind: Sendable {
        /// A key without the architecture's name in front.
        case key(String, Value)
        case tensor(String, [Float])
    }
    let kind: Kind

    init(_ key: String, _ value: Value) { kind = .key(key, value) }
    init(tensor name: String, _ values: [Float]) { kind = .tensor(name, values) }
}
