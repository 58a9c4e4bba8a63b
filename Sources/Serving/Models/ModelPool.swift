import HTTPTypes
import Logging
import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import QuintetTensors

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
        /// The model it is an adapter of.
        var parent: String?
    }

    private struct Entry {
        let name: String
        let path: String
        /// Named on the command line: stays loaded.
        let isPinned: Bool
        let bytes: Int
        let created: Int
        var rack = AdapterRack([])
        /// The model under the names of its adapters, while it is loaded.
        var adapted: [ServedModel] = []
        var loading: Task<ServedModel, any Error>?
        var model: ServedModel?
        var error: String?
        /// Whether it has been loaded once; whoever let it go did so on purpose.
        var wasLoaded = false
        /// Bytes that are counted for it, with its keys and values; 0 unless it is loaded or on its way.
        var room = 0
        var lastUse = ContinuousClock.now

        /// Whether it is loaded and makes nothing, though somebody may hold it still: an answer is told before its request is done.
        var isResting: Bool { model.map { $0.client.counts.running == 0 && $0.client.counts.waiting == 0 } ?? false }

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
    private let state = Guarded(State())
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
        if !options.adapters.isEmpty {
            guard !paths.isEmpty else { throw ServerError("there is no model for the adapters", hint: "name the model, and the adapters with --lora") }
            entries[0].rack = AdapterRack(options.adapters)
        }
        let named = entries.map { ($0.name, $0.path) } + options.adapters.map { ($0.name, $0.path) }
        for (index, one) in named.enumerated() {
            if let other = named[..<index].first(where: { $0.0 == one.0 }) {
                throw ServerError("two models are called \(one.0): \(other.1) and \(one.1)", hint: "rename one of them")
            }
        }
        if entries.isEmpty { throw ServerError("there is no model to serve", hint: "name one, or a folder of them with --models-dir") }
        state.withLock { $0.entries = entries }
    }

    private static func looksLikeModel(_ path: String) -> Bool {
        Folder.isFile(Folder.join(path, ModelFolder.configName)) || Folder.isFile(path) && GGUFFile.isName(path)
    }

    private static func name(of path: String) -> String {
        let name = Folder.name(of: Folder.resolved(path))
        return GGUFFile.isName(name) ? String(name.dropLast(5)) : name
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
            state.entries.flatMap { entry in [Self.listing(entry)] + entry.rack.adapters.map { Self.listing(entry, $0) } }
        }
    }

    private static func listing(_ entry: Entry, _ adapter: ServedAdapter? = nil) -> Listing {
        Listing(
            name: adapter?.name ?? entry.name, path: adapter?.path ?? entry.path, status: entry.status, isPinned: entry.isPinned, bytes: entry.bytes,
            created: entry.created, error: entry.error, parent: adapter == nil ? nil : entry.name)
    }

    /// The model that has adapters, where one has.
    var nameWithAdapters: String? { state.withLock { $0.entries.first { !$0.rack.adapters.isEmpty }?.name } }

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
        for listing in listings where listing.isPinned && listing.parent == nil {
            do { _ = try await model(listing.name) } catch { log.error("a model was not loaded", metadata: ["model": "\(listing.name)", "error": "\((error as? APIError)?.message ?? "\(error)")"]) }
        }
        let pinned = listings.filter(\.isPinned)
        if let first = pinned.first, pinned.allSatisfy({ $0.status == .failed }), listings.allSatisfy(\.isPinned) {
            throw ServerError("\(first.path) cannot be loaded: \(first.error ?? "")")
        }
    }

    /// The model of that name, or the one whose adapter has it, loaded if need be; the only one where none is named.
    func model(_ name: String?) async throws -> ServedModel {
        let (pending, adapter) = try state.withLock { state throws(APIError) -> (Pending, Int?) in
            let (index, adapter) = try Self.place(name, state.entries)
            state.entries[index].lastUse = .now
            let entry = state.entries[index]
            if let model = entry.model { return (.there(adapter.map { entry.adapted[$0] } ?? model), adapter) }
            if let loading = entry.loading { return (.coming(loading), adapter) }
            let loading = Task { try await self.load(entry) }
            state.entries[index].loading = loading
            return (.coming(loading), adapter)
        }
        switch pending {
        case .there(let model): return model
        case .coming(let loading):
            do {
                let model = try await loading.value
                return adapter.map { model.adapted[$0] } ?? model
            } catch let error as APIError { throw error } catch {
                throw APIError(.internalServerError, "server_error", "The model '\(name ?? "")' could not be loaded: \(error)", code: "model_load_failed")
            }
        }
    }

    private static func place(_ name: String?, _ entries: [Entry]) throws(APIError) -> (entry: Int, adapter: Int?) {
        guard let name, !name.isEmpty else {
            if entries.count == 1 { return (0, nil) }
            throw .invalid("'model' is needed: this server has \(entries.count).", param: "model")
        }
        if let index = entries.firstIndex(where: { $0.name == name || $0.path == name }) { return (index, nil) }
        for (index, entry) in entries.enumerated() {
            if let adapter = entry.rack.adapters.firstIndex(where: { $0.name == name }) { return (index, adapter) }
        }
        throw missing(name, entries.map(\.name) + entries.flatMap { $0.rack.adapters.map(\.name) })
    }

    /// Names what is near, or where nothing is, what there is.
    static func missing(_ name: String, _ names: [String]) -> APIError {
        let hint = nearestHint(name, names).map { $0.prefix(1).uppercased() + $0.dropFirst() }
        let others = "This server has \(names.prefix(8).joined(separator: ", "))\(names.count > 8 ? " and \(names.count - 8) more" : "")."
        return .notFound("The model '\(name.prefix(80))' does not exist. \(hint ?? others)", code: "model_not_found", param: "model")
    }

    private func load(_ entry: Entry) async throws -> ServedModel {
        let (name, bytes) = (entry.name, entry.bytes)
        do {
            try checkSize(entry, bytes)
            let (options, thread, path, rack) = (options, thread, entry.path, entry.rack)
            let (folder, plan) = try await SystemThread.run(.yielding) {
                var folder = try rack.opened(path)
                if let arithmetic = options.arithmetic { folder.arithmetic = arithmetic }
                let type = options.cacheType ?? (folder.storedType == "F32" ? .f32 : .f16)
                return (folder, try CachePlan(folder.spec, options, type, modelBytes: bytes))
            }
            try await makeRoom(for: entry, bytes + plan.bytes)
            let model = try await SystemThread.run(.yielding) {
                var generator = try TextGenerator(folder)
                generator.cacheType = plan.limits.cacheType
                let fingerprint = try options.slotFolder.map { _ in try ModelFingerprint(folder, rack.adapters) }
                return ServedModel(
                    name: name, generator: generator, client: thread.attach(generator, plan.limits), bytes: bytes, rack: rack, fingerprint: fingerprint)
            }
            if !model.hasTemplate { log.warning("\(ServedModel.plainTextNote)", metadata: ["model": "\(name)"]) }
            let adapted = model.adapted
            update(name) { entry in
                entry.model = model
                entry.adapted = adapted
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
                entry.room = 0
                entry.error = (error as? APIError)?.message ?? "\(error)"
            }
            throw error
        }
    }

    /// Unloads the models that were not used for longest until this one fits, and takes the room. A model that somebody holds stays.
    /// - Throws: `APIError` where it can never fit, or everything stays in use.
    private func makeRoom(for entry: Entry, _ bytes: Int) async throws {
        guard let budget = options.memoryBudget else { return }
        try checkSize(entry, bytes)
        let start = ContinuousClock.now
        while !takeRoom(for: entry, bytes, budget, inOrder: ContinuousClock.now < start + Self.patience) {
            guard ContinuousClock.now < start + .seconds(options.queueTimeout) else { throw APIError.overloaded("Other models take all the memory there is for them.") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// - Throws: `APIError` with both numbers where so much never fits beside the models that stay.
    private func checkSize(_ entry: Entry, _ bytes: Int) throws(APIError) {
        guard let budget = options.memoryBudget else { return }
        let staying = state.withLock { $0.entries.reduce(0) { $0 + ($1.isPinned && $1.name != entry.name ? $1.room : 0) } }
        guard bytes <= budget - staying else {
            let beside = staying == 0 ? "" : ", of which \(staying) are taken by models that stay"
            throw APIError(
                .internalServerError, "server_error",
                "The model '\(entry.name)' takes \(bytes) bytes\(bytes == entry.bytes ? "" : " with its keys and values"); --memory-budget is \(budget)\(beside).",
                code: "model_load_failed")
        }
    }

    /// How long a model that makes nothing is waited for until who asked last has let go of it.
    private static let patience = Duration.seconds(1)

    /// False where others are in the way and in use, and with `inOrder` where the one that was not used for longest is about to be free.
    private func takeRoom(for entry: Entry, _ bytes: Int, _ budget: Int, inOrder: Bool) -> Bool {
        while true {
            let gone = state.withLock { state -> Room in
                let used = state.entries.reduce(0) { $0 + ($1.name == entry.name ? 0 : $1.room) }
                if used + bytes <= budget {
                    if let index = state.entries.firstIndex(where: { $0.name == entry.name }) { state.entries[index].room = bytes }
                    return .enough
                }
                let movable = state.entries.indices.filter { !state.entries[$0].isPinned && state.entries[$0].model != nil }
                let byUse = movable.sorted { state.entries[$0].lastUse < state.entries[$1].lastUse }
                guard let oldest = byUse.first(where: { isKnownUniquelyReferenced(&state.entries[$0].model) }) else { return .none }
                if inOrder, oldest != byUse.first, byUse.prefix(while: { $0 != oldest }).contains(where: { state.entries[$0].isResting }) { return .none }
                return Self.emptied(&state.entries[oldest]).map { .freed($0) } ?? .none
            }
            switch gone {
            case .enough: return true
            case .none: return false
            case .freed(let model): end(model)
            }
        }
    }

    private enum Room {
        case enough, none
        case freed(ServedModel)
    }

    /// Takes the model out of an entry.
    private static func emptied(_ entry: inout Entry) -> ServedModel? {
        defer { (entry.model, entry.adapted, entry.room) = (nil, [], 0) }
        return entry.model
    }

    private func end(_ model: ServedModel) {
        model.client.stop()
        log.info("model unloaded", metadata: ["model": "\(model.name)"])
    }

    /// Lets a model go; false where it was not loaded.
    @discardableResult
    func unload(_ name: String) -> Bool {
        let model = state.withLock { state -> ServedModel? in
            guard let index = state.entries.firstIndex(where: { $0.name == name }) else { return nil }
            return Self.emptied(&state.entries[index])
        }
        guard let model else { return false }
        end(model)
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
