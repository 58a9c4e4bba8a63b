import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How long texts may become and how many pages they share, so that keys and values fit the memory there is.
struct CachePlan: Sendable {
    let limits: BatchLimits
    /// What keys and values take when all pages are in use.
    let bytes: Int

    /// - Throws: `ServerError` where not even one text fits.
    init(_ spec: TransformerSpec, _ options: ServerOptions, _ cacheType: CacheType, modelBytes: Int) throws {
        // A small cache tells what a position takes.
        let perPosition = max(KVCache(spec, capacity: 1, type: cacheType).bytesPerPosition, 1)
        let budget = options.cacheBudget ?? Self.budget(options, perPosition * min(options.context ?? spec.context, 1 << 20), modelBytes)
        let pages = budget / (perPosition * CachePages.pageLength)
        let wanted = options.context ?? spec.context
        var context = min(wanted, 1 << 20)
        if case .learned = spec.embedding.positions { context = min(context, spec.context) }
        if options.context == nil { context = min(context, pages * CachePages.pageLength) }
        let needed = (context + CachePages.pageLength - 1) / CachePages.pageLength
        guard context > 0, needed <= pages else {
            throw ServerError(
                "a context of \(wanted) tokens takes \(needed * CachePages.pageLength * perPosition) bytes of keys and values, and there are \(budget) for them",
                hint: "choose a smaller --context, a --cache-type that takes less, or a larger --cache-budget")
        }
        var limits = BatchLimits(
            parallel: options.parallel, context: context, queue: options.queue, pages: min(needed * options.parallel, pages), cacheType: cacheType)
        // Beginnings that wait for somebody to go on with them: little beside the model, unless a person says what there is.
        let kept = max(Self.leastKept, modelBytes / 4) / (perPosition * CachePages.pageLength)
        limits.keptPages = options.cacheBudget == nil ? max(kept, min(needed, Self.keptTokens / CachePages.pageLength)) : nil
        self.limits = limits
        bytes = min(needed * options.parallel, pages) * CachePages.pageLength * perPosition
    }

    /// A quarter of the memory; where models share a budget, as much as the model itself or one whole text takes, so that others find room.
    private static func budget(_ options: ServerOptions, _ textBytes: Int, _ modelBytes: Int) -> Int {
        guard let shared = options.memoryBudget else { return memory / 4 }
        return min(memory / 4, max(textBytes, modelBytes), max(shared - modelBytes, 0))
    }

    private static let leastKept = 32 << 20
    /// A conversation that somebody goes on with, where the context is as long.
    private static let keptTokens = 8192

    /// Bytes of memory in this machine.
    private static var memory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }
}
