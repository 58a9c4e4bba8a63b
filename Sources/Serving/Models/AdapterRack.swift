import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels

/// An adapter that requests may choose.
public struct ServedAdapter: Sendable, Equatable {
    /// What requests call it.
    public var name: String
    /// PEFT's folder, or a GGUF file.
    public var path: String
    /// How much it counts for who chooses nothing.
    public var scale: Float

    public init(name: String, path: String, scale: Float = 0) {
        self.name = name
        self.path = path
        self.scale = scale
    }

    /// Reads what a person writes: `NAME=PATH`, or a path alone, whose last part is the name. `PATH=WEIGHT` counts that much for who chooses nothing.
    public init(parsing text: String) {
        let whole = AdapterChoice(parsing: text)
        let place = text.firstIndex(of: "=").flatMap { $0 == text.startIndex || Self.isThere(whole.path) ? nil : $0 }
        let rest = place.map { String(text[text.index(after: $0)...]) } ?? text
        let choice = AdapterChoice(parsing: rest)
        self.init(name: place.map { String(text[..<$0]) } ?? Self.name(of: choice.path), path: choice.path, scale: choice.path == rest ? 0 : choice.weight)
    }

    private static func isThere(_ path: String) -> Bool { Folder.isFolder(path) || Folder.isFile(path) }

    private static func name(of path: String) -> String {
        let name = Folder.name(of: Folder.resolved(path))
        return GGUFFile.isName(name) ? String(name.dropLast(5)) : name
    }
}

/// The adapters that lie beside a model's weights, and how much each counts for who chooses nothing.
final class AdapterRack: Sendable {
    let adapters: [ServedAdapter]
    private let scales: Guarded<[Float]>

    init(_ adapters: [ServedAdapter]) {
        self.adapters = adapters
        scales = Guarded(adapters.map(\.scale))
    }

    /// What counts where nobody chooses.
    var defaults: [Float] { scales.withLock { $0 } }

    func set(_ scales: [Float]) { self.scales.withLock { $0 = scales } }

    /// One of them, as it was trained.
    func alone(_ index: Int) -> [Float] { adapters.indices.map { $0 == index ? 1 : 0 } }

    /// llama-server's list of ids and scales; what it does not name counts nothing.
    func scales(_ list: [JSON], _ key: String) throws(APIError) -> [Float] {
        var scales = [Float](repeating: 0, count: adapters.count)
        for (index, json) in list.enumerated() {
            let entry = try Fields(json, "\(key)[\(index)]")
            guard !adapters.isEmpty, let id = try entry.int("id", 0...adapters.count - 1) else {
                throw entry.wrong("id", adapters.isEmpty ? "nothing: this model was loaded without adapters" : "an adapter's number")
            }
            guard let scale = try entry.number("scale", -1000...1000) else { throw entry.wrong("scale", "a number") }
            scales[id] = scale
        }
        return scales
    }

    /// A model with all of them beside its weights.
    /// - Throws: `FileError` where one does not fit, or changes what all requests share.
    func opened(_ path: String) throws(FileError) -> ModelFolder {
        let folder = try ModelFolder.open(path)
        if adapters.isEmpty { return folder }
        var list: [(adapter: Adapter, weight: Float)] = []
        for served in adapters {
            let adapter = try Adapter.open(served.path, for: folder)
            guard adapter.config.form == .lora, adapter.plan.whole.isEmpty, adapter.plan.outside.isEmpty else {
                throw FileError(
                    "this adapter cannot be chosen by requests: it changes what all of them share", path: served.path,
                    expected: "low-rank parts alone", found: adapter.config.form == .lora ? "modules that are kept whole" : "magnitudes (DoRA)",
                    hint: "serve it as a model of its own: quintet serve \(served.path), or merge it (quintet convert --merge)")
            }
            list.append((adapter, 1))
        }
        return try folder.adapted(by: list)
    }
}
