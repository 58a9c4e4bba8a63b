import QuintetFiles
import QuintetTensors

/// Activations by the names that configuration files use.
enum ActivationNames {
    private static let table: [(name: String, activation: Activation)] = [
        ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh), ("gelu_fast", .geluTanh), ("gelu_accurate", .geluTanh),
        ("gelu", .gelu), ("gelu_python", .gelu), ("silu", .silu), ("swish", .silu), ("relu", .relu), ("relu2", .reluSquared),
        ("quick_gelu", .geluQuick), ("sigmoid", .sigmoid), ("tanh", .tanh), ("linear", .identity), ("gelu_python_tanh", .geluTanh),
    ]

    static func read(_ reader: inout ConfigReader, _ key: String, default fallback: String) throws(FileError) -> Activation {
        let name = try reader.text(key, default: fallback)
        guard let row = table.first(where: { $0.name == name }) else {
            throw reader.wrong(key, table.map(\.name).joined(separator: ", "), name)
        }
        return row.activation
    }

    /// The first name of an activation in the table.
    static func name(_ activation: Activation) -> String {
        table.first { $0.activation == activation }?.name ?? "gelu_new"
    }
}
