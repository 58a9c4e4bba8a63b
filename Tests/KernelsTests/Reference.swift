#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

private func systemExp(_ x: Double) -> Double { exp(x) }
private func systemLog(_ x: Double) -> Double { log(x) }
private func systemTanh(_ x: Double) -> Double { tanh(x) }
private func systemSin(_ x: Double) -> Double { sin(x) }
private func systemCos(_ x: Double) -> Double { cos(x) }
private func systemErfc(_ x: Double) -> Double { erfc(x) }
private func systemPow(_ x: Double, _ y: Double) -> Double { pow(x, y) }

/// The mathematics library in f64, for references.
enum Reference {
    static func exp(_ x: Double) -> Double { systemExp(x) }
    static func log(_ x: Double) -> Double { systemLog(x) }
    static func tanh(_ x: Double) -> Double { systemTanh(x) }
    static func sin(_ x: Double) -> Double { systemSin(x) }
    static func cos(_ x: Double) -> Double { systemCos(x) }
    static func erfc(_ x: Double) -> Double { systemErfc(x) }
    static func power(_ x: Float, _ n: Int) -> Float { Float(systemPow(Double(x), Double(n))) }
    static func pow(_ x: Double, _ y: Double) -> Double { systemPow(x, y) }
}
