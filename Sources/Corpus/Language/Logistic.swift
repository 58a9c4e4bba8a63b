#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The exponential and the logistic function.
enum Logistic {
    static func exponential(_ x: Double) -> Double { exp(x) }
    static func of(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
