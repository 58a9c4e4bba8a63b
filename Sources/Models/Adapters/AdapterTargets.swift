import QuintetFiles
import QuintetTokenizers

/// Decides which modules a configuration means, by PEFT's rules.
struct AdapterTargets {
    private let config: AdapterConfig
    private let wanted: Matcher
    private let unwanted: Matcher?
    private let ranks: [(WholeMatch, Int)]
    private let alphas: [(WholeMatch, Double)]

    private enum Matcher {
        case all
        case names([String])
        case regex(WholeMatch)

        init(_ targets: AdapterConfig.Targets, _ path: String, _ field: String) throws(FileError) {
            switch targets {
            case .allLinear: self = .all
            case .names(let names): self = .names(names)
            case .pattern(let regex): self = .regex(try WholeMatch(regex, source: path, field: field))
            }
        }

        func matches(_ module: String) -> Bool {
            switch self {
            case .all: true
            case .names(let names): names.contains { module == $0 || module.hasSuffix("." + $0) }
            case .regex(let regex): regex.matches(module)
            }
        }
    }

    init(_ config: AdapterConfig, path: String) throws(FileError) {
        self.config = config
        wanted = try Matcher(config.targets, path, "target_modules")
        var unwanted: Matcher?
        if let excluded = config.excluded { unwanted = try Matcher(excluded, path, "exclude_modules") }
        self.unwanted = unwanted
        ranks = try Self.patterns(config.rankPattern, path, "rank_pattern")
        alphas = try Self.patterns(config.alphaPattern, path, "alpha_pattern")
    }

    /// A pattern means a whole name, or its end after a dot.
    private static func patterns<Value>(
        _ patterns: [AdapterConfig.Pattern<Value>], _ path: String, _ field: String
    ) throws(FileError) -> [(WholeMatch, Value)] {
        var matches: [(WholeMatch, Value)] = []
        for pattern in patterns { matches.append((try WholeMatch(#"(?:.*\.)?(?:"# + pattern.regex + ")", source: path, field: field), pattern.value)) }
        return matches
    }

    func rank(of module: String) -> Int { ranks.first { $0.0.matches(module) }?.1 ?? config.rank }

    func alpha(of module: String) -> Double { alphas.first { $0.0.matches(module) }?.1 ?? config.alpha }

    /// `isUsual`: a linear map that "all" means; heads and routers are only changed where they are named.
    func includes(_ module: String, isUsual: Bool) -> Bool {
        if unwanted?.matches(module) == true || config.savedModules.contains(where: { Self.lies(module, in: $0) }) { return false }
        if case .all = wanted { return isUsual && isInLayers(module) }
        guard wanted.matches(module) else { return false }
        if case .regex = wanted { return true }
        return isInLayers(module)
    }

    /// Whether a module is the saved one, or lies inside it.
    private static func lies(_ module: String, in saved: String) -> Bool {
        let (parts, wanted) = (module.split(separator: "."), saved.split(separator: "."))
        return !wanted.isEmpty && parts.indices.contains { parts[$0...].starts(with: wanted) }
    }

    private func isInLayers(_ module: String) -> Bool {
        guard let layers = config.layers else { return true }
        guard let layer = layer(of: module) else { return false }
        return layers.contains(layer)
    }

    /// The first number in a name that something stands on both sides of; with patterns, the first one after such a name.
    private func layer(of module: String) -> Int? {
        let parts = module.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if config.layersPattern.isEmpty { return parts.indices.dropFirst(2).dropLast().lazy.compactMap { Int(parts[$0]) }.first }
        for pattern in config.layersPattern {
            for index in parts.indices.dropLast(2) where parts[index] == pattern { if let layer = Int(parts[index + 1]) { return layer } }
        }
        return nil
    }
}
