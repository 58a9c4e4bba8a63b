import HTTPTypes
import Logging
import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import Synchronization

/// The models of a server: loaded when somebody asks, unloaded by least use when memory is short or nobody asked for long.
final class ModelPool: Sendable {
    enum Status: String, Sendable { case unloaded, loading, loaded, failed }

    /// What there is to say of a model without loading it.
    struct Listing: Sendable {
        let name: String
        let path: String
        let status: Status
        let isPinned: Bool
        let bytes: Int
        /// Seconds since 1970.
        let created: Int
        let error: String?
    }

    private struct Entry {
        let name: String
        let path: String
        /// Named on the command line: stays loaded.
        let isPinned: Bool
        let bytes: Int
        let created: Int
        var loading: Task<ServedModel, any Error>?
        var model: ServedModel?
        var error: String?
        /// Whether it has been loaded once; whoever let it go did so on purpose.
        var wasLoaded = false
        var lastUse = ContinuousClock.now

        var status: Status {
            if model != nil { return .loaded }
            if loading != nil { return .loading }
            return error == nil ? .unloaded : .failed
        }
    }

    /// A model that is there, or one that is on its way.
    private enum Pending {
        case there(ServedModel)
        case coming(Task<ServedModel, any Error>)
    }

    private struct State: ~Copyable {
        var entries: [Entry] = []
    }
    private let state = Mutex(State())
    private let options: ServerOptions
    private let thread: InferenceThread
    private let log: Logger

    /// - Throws: where a path is no model, or two models have one name.
    init(_ paths: [String], _ options: ServerOptions, _ thread: InferenceThread, _ log: Logger) throws {
        self.options = options
        self.thread = thread
        self.log = log
        var entries = try paths.map { try Self.entry($0, isPinned: true) }
        if let folder = options.modelsFolder {
            for name in try Folder.names(in: folder) {
                let path = Folder.join(folder, name)
                guard Self.looksLikeModel(path), !entries.contains(where: { $0.name == Self.name(of: path) }) else { continue }
                entries.append(try Self.entry(path, isPinned: false))
            }
        }
        for (index, entry) in entries.enumerated() {
            if let other = entries[..<index].first(where: { $0.name == entry.name }) {
                throw ServerError("two models are called \(entry.name): \(other.path) and \(entry.path)", hint: "rename one of them")
            }
        }
        if entries.isEmpty { throw ServerError("there is no model to serve", hint: "name one, or a folder of them with --models-dir") }
        state.withLock { $0.entries = entries }
    }

    private static func looksLikeModel(_ path: String) -> Bool {
        Folder.isFile(Folder.join(path, ModelFolder.configName)) || Folder.isFile(path) && path.hasSuffix(".gguf")
    }

    private static func name(of path: String) -> String {
        let name = Folder.name(of: Folder.resolved(path))
        return name.hasSuffix(".gguf") ? String(name.dropLast(5)) : name
    }

    private static func entry(_ path: String, isPinned: Bool) throws -> Entry {
        let isFolder = Folder.isFolder(path)
        let bytes = isFolder ? try Folder.names(in: path).reduce(0) { sum, name in
            let file = Folder.join(path, name)
            return sum + (Folder.isFile(file) ? try Folder.size(of: file) : 0)
        } : try Folder.size(of: path)
        return Entry(name: name(of: path), path: path, isPinned: isPinned, bytes: bytes, created: try Folder.changed(path))
    }

    var listings: [Listing] {
        state.withLock { state in
            state.entries.map {
                Listing(name: $0.name, path: $0.path, status: $0.status, isPinned: $0.isPinned, bytes: $0.bytes, created: $0.created, error: $0.error)
            }
        }
    }

    var loaded: [ServedModel] { state.withLock { $0.entries.compactMap(\.model) } }
    /// Whether every model that was named on the command line answers, those aside that cannot be loaded.
    var isReady: Bool {
        state.withLock { state in
            let pinned = state.entries.filter(\.isPinned)
            return pinned.isEmpty || pinned.contains(where: \.wasLoaded) && pinned.allSatisfy { $0.wasLoaded || $0.error != nil }
        }
    }

    /// Loads what was named on the command line; a model that cannot be loaded leaves the others serving.
    /// - Throws: `ServerError` where none can be loaded.
    func loadPinned() async throws {
        for listing in listings where listing.isPinned {
            do { _ = try await model(listing.name) } catch { log.error("a model was not loaded", metadata: ["model": "\(listing.name)", "error": "\(error)"]) }
        }
        let failed = listings.filter { $0.isPinned && $0.status == .failed }
        if let first = failed.first, failed.count == listings.count(where: \.isPinned), listings.allSatisfy(\.isPinned) {
            throw ServerError("\(first.path) cannot be loaded: \(first.error ?? "")")
        }
    }

    /// The model of that name, loaded if need be; the only one where none is named.
    func model(_ name: String?) async throws -> ServedModel {
        let pending = try state.withLock { state throws(APIError) -> Pending in
            let index = try Self.index(name, state.entries)
            state.entries[index].lastUse = .now
            if let model = state.entries[index].model { return .there(model) }
            if let loading = state.entries[index].loading { return .coming(loading) }
            let entry = state.entries[index]
            let loading = Task { try await self.load(entry.name, entry.path, entry.bytes) }
            state.entries[index].loading = loading
            return .coming(loading)
        }
        switch pending {
        case .there(let model): return model
        case .coming(let loading):
            do { return try await loading.value } catch let error as APIError { throw error } catch {
                throw APIError(.internalServerError, "server_error", "The model '\(name ?? "")' could not be loaded: \(error)", code: "model_load_failed")
            }
        }
    }

    private static func index(_ name: String?, _ entries: [Entry]) throws(APIError) -> Int {
        guard let name, !name.isEmpty else {
            if entries.count == 1 { return 0 }
            throw .invalid("'model' is needed: this server has \(entries.count).", param: "model")
        }
        if let index = entries.firstIndex(where: { $0.name == name || $0.path == name }) { return index }
        let hint = nearestHint(name, entries.map(\.name)).map { " \($0.prefix(1).uppercased())\($0.dropFirst())" } ?? ""
        throw .notFound("The model '\(name)' does not exist.\(hint)", code: "model_not_found")
    }

    private func load(_ name: String, _ path: String, _ bytes: Int) async throws -> ServedModel {
        makeRoom(for: bytes, except: name)
        do {
            let (options, thread) = (options, thread)
            let model = try await SystemThread.run {
                var generator = try TextGenerator.open(path)
                generator.cacheType = options.cacheType
                let limits = try CachePlan(generator.model.spec, options).limits
                return ServedModel(name: name, generator: generator, client: thread.attach(generator, limits), bytes: bytes)
            }
            if !model.hasTemplate { log.warning("\(ServedModel.plainTextNote)", metadata: ["model": "\(name)"]) }
            update(name) { entry in
                entry.model = model
                entry.loading = nil
                entry.error = nil
                entry.wasLoaded = true
                entry.lastUse = .now
            }
            log.info("model loaded", metadata: ["model": "\(name)", "bytes": "\(bytes)"])
            return model
        } catch {
            update(name) { entry in
                entry.loading = nil
                entry.error = "\(error)"
            }
            throw error
        }
    }

    /// Unloads the models that were not used for longest until `bytes` fit.
    private func makeRoom(for bytes: Int, except name: String) {
        guard let budget = options.memoryBudget else { return }
        while true {
            let candidate = state.withLock { state -> String? in
                let used = state.entries.reduce(0) { $0 + ($1.model != nil ? $1.bytes : 0) }
                guard used + bytes > budget else { return nil }
                let idle = state.entries.filter { $0.model != nil && !$0.isPinned && $0.name != name && $0.model?.client.counts.running == 0 }
                return idle.min { $0.lastUse < $1.lastUse }?.name
            }
            guard let candidate else { return }
            unload(candidate)
        }
    }

    /// Lets a model go; false where it was not loaded.
    @discardableResult
    func unload(_ name: String) -> Bool {
        let model = state.withLock { state -> ServedModel? in
            guard let index = state.entries.firstIndex(where: { $0.name == name }) else { return nil }
            defer { state.entries[index].model = nil }
            return state.entries[index].model
        }
        guard let model else { return false }
        model.client.stop()
        log.info("model unloaded", metadata: ["model": "\(name)"])
        return true
    }

    /// Unloads what nobody used for the idle time.
    func sweep() {
        guard let seconds = options.idleUnload else { return }
        let now = ContinuousClock.now
        for entry in state.withLock({ $0.entries }) where !entry.isPinned {
            guard let model = entry.model, model.client.counts.running == 0, now - entry.lastUse > .seconds(seconds) else { continue }
            unload(entry.name)
        }
    }

    private func update(_ name: String, _ change: (inout Entry) -> Void) {
        state.withLock { state in
            guard let index = state.entries.firstIndex(where: { $0.name == name }) else { return }
            change(&state.entries[index])
        }
    }
}
