import CoreMetrics
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import QuintetFiles
import QuintetGeneration
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `quintet serve`: models behind HTTP, until a signal asks it to stop.
///
/// ```swift
/// let server = try Server(["./stories"], ServerOptions())
/// try await server.run { port in print("listening on \(port)") }
/// ```
public final class Server: Sendable {
    private let options: ServerOptions
    private let state: ServerState
    private let thread: InferenceThread
    private let log: Logger
    private let group = Guarded<ServiceGroup?>(nil)
    private let ownsProcess = Guarded(false)

    /// Methods and paths that are served.
    public static var routeList: [(method: String, path: String)] { Routes.all.map { ($0.method.rawValue, $0.path) } }

    /// Opens keys and finds the models; none is loaded yet.
    /// - Throws: `ServerError` or `FileError` where the options or files do not make a server.
    public init(_ models: [String], _ options: ServerOptions) throws {
        try options.validate()
        self.options = options
        log = try LineLog.logger(options.log)
        thread = try InferenceThread()
        let keys = try options.keyFile.map { path throws(FileError) in try KeyRing(path) }
        state = ServerState(options, try ModelPool(models, options, thread, log), keys)
    }

    /// Serves until SIGTERM or SIGINT; running requests get the time of grace, a second signal ends the process at once.
    /// `onRunning` gets the port.
    /// - Throws: `ServerError` where the address cannot be had.
    public func run(handlingSignals: Bool = false, onRunning: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        let quiet = Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
        // They are told to stop in the order from the last to the first.
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: Housekeeping(pool: state.pool, isNeeded: options.idleUnload != nil)), .init(service: try application(onRunning)),
                .init(service: Drain(state), successTerminationBehavior: .ignore),
            ], logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(options.grace + 1)
        let group = ServiceGroup(configuration: configuration)
        self.group.withLock { $0 = group }
        defer { thread.stop() }
        let signals = handlingSignals ? Task { await stopOnSignals() } : nil
        defer { signals?.cancel() }
        // Nobody waits for a model that is still being read when the server ends.
        let failure = Guarded<(any Error)?>(nil)
        Task { [state, ownsProcess] in
            do {
                try await state.pool.loadPinned()
                if ownsProcess.withLock({ $0 }) { ProgramPages.giveBack() }
            } catch {
                failure.withLock { $0 = error }
                await group.triggerGracefulShutdown()
            }
        }
        do { try await group.run() } catch let error as IOError {
            throw ServerError("\(options.host):\(options.port) cannot be listened on: \(error)", hint: error.errnoCode == EADDRINUSE ? "another program listens there; choose another --port" : nil)
        } catch is CancellationError where !Task.isCancelled {
            // The time of grace was over before everybody had read their answers.
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// The one thread that all servers of a process read and write on. It stays as long as the process: Hummingbird still speaks to it when a server has ended.
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// The first signal asks to stop, the second one stops.
    private func stopOnSignals() async {
        var isStopping = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            if isStopping { _exit(128 + signal.rawValue) }
            isStopping = true
            log.info("stopping", metadata: ["signal": "\(signal)"])
            stop()
        }
    }

    /// Makes the process this server's: as many descriptors as it can have, what other packages report through swift-metrics in `/metrics`, and no more
    /// of the program in memory than serving needs. Once in a process, before `run`.
    public func adoptProcess() {
        Descriptors.raise()
        ownsProcess.withLock { $0 = true }
        MetricsSystem.bootstrap(state.metrics.registry)
    }

    /// Does what SIGTERM does: takes nothing in any more, lets what runs come to its end.
    public func stop() {
        let group = group.withLock { $0 }
        Task { await group?.triggerGracefulShutdown() }
    }

    private func application(_ onRunning: @escaping @Sendable (Int) -> Void) throws -> Application<RouterResponder<ServeContext>> {
        let router = Router(context: ServeContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: Gate(server: state))
        for route in Routes.all {
            router.on(RouterPath(route.path), method: route.method) { [state] request, context in
                let call = Call(request: request, server: state, context: context)
                guard call.mayTakeLong else { return try await route.handle(call) }
                return try await withTaskExecutorPreference(ThreadForEach.shared) { try await route.handle(call) }
            }
        }
        let connections = Descriptors.connections
        state.connections.limit(to: connections)
        return Application(
            responder: router.buildResponder(), server: try channels(),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port), serverName: "quintet", backlog: 1024,
                // Nobody more is accepted then: with no descriptor left, accepting would fail again and again.
                availableConnectionsDelegate: .maximum(connections, logger: log)),
            onServerRunning: { [options] channel in onRunning(channel.localAddress?.port ?? options.port) },
            eventLoopGroupProvider: .shared(Self.loops), logger: log)
    }

    private func channels() throws -> HTTPServerBuilder {
        let limits = options.connection
        let connections = state.connections
        let configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionGuard(limits, connections)], idleTimeout: nil,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes, maxHeaderFieldCount: limits.headerFields))
        let plain = HTTPServerBuilder { responder in OnLoop(base: HTTP1Channel(responder: responder, configuration: configuration)) }
        guard let certificate = options.certificateFile, let key = options.privateKeyFile else { return plain }
        do {
            var tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
            tls.minimumTLSVersion = .tlsv12
            return try .tls(plain, tlsConfiguration: tls)
        } catch { throw ServerError("the certificate \(certificate) and the key \(key) make no TLS server: \(error)", hint: "both have to be PEM files") }
    }
}

/// Stops taking requests in as soon as the server is asked to stop, and ends what still runs when the time of grace is over.
///
/// It is told first and is done at once, so that those after it are told as well.
private struct Drain: Service {
    let state: ServerState
    init(_ state: ServerState) { self.state = state }

    func run() async throws {
        try? await gracefulShutdown()
        state.admission.drain()
        let state = state
        Task {
            var left = state.options.grace
            while left > 0, state.admission.active > 0 {
                try? await Task.sleep(for: .milliseconds(20))
                left -= 0.02
            }
            for model in state.pool.loaded { model.client.stop() }
        }
    }
}

/// Unloads idle models.
private struct Housekeeping: Service {
    let pool: ModelPool
    let isNeeded: Bool

    func run() async throws {
        guard isNeeded else { return try await gracefulShutdown() }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))
                pool.sweep()
            }
        }
    }
}
