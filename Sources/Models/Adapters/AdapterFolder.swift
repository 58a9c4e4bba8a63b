import QuintetFiles

/// The folder of an adapter, opened as a model: the base that its configuration names, with the adapter.
struct AdapterFolder {
    private let path: String

    /// Whether there is an adapter, and no model of its own.
    static func isOne(_ path: String) -> Bool {
        Folder.isFile(Folder.join(path, AdapterConfig.fileName)) && !Folder.isFile(Folder.join(path, ModelFolder.configName))
    }

    init(_ path: String) { self.path = path }

    func open() throws(FileError) -> ModelFolder {
        let base = try ModelFolder.open(try self.base())
        return try base.adapted(by: [AdapterChoice(path)])
    }

    /// The base's place: as it is written, seen from the adapter's folder, or seen from here.
    private func base() throws(FileError) -> String {
        let config = Folder.join(path, AdapterConfig.fileName)
        guard let name = try JSON.read(config)["base_model_name_or_path"]?.string, !name.isEmpty else {
            throw missing(config, "nothing")
        }
        for place in name.hasPrefix("/") ? [name] : [Folder.join(path, name), name] where Folder.isFolder(place) || Folder.isFile(place) {
            // An adapter on an adapter could go round in a circle.
            guard !Self.isOne(place) else { throw missing(config, "another adapter: \(name)") }
            return place
        }
        throw missing(config, name)
    }

    private func missing(_ config: String, _ found: String) -> FileError {
        FileError(
            "the base of this adapter is not here", path: config, field: "base_model_name_or_path", expected: "a model on this disk", found: found,
            hint: "open the base, with the adapter: quintet generate BASE --lora \(path)")
    }
}
