/// The value that a share of many does not pass, by nearest rank: one of the values, never a mean of two.
public enum Quantile {
    /// Which of `count` sorted values it is; 0 where there are none.
    public static func place(_ share: Double, of count: Int) -> Int { min(max(Int((share * Double(count)).rounded(.up)) - 1, 0), max(count - 1, 0)) }

    /// The value in a sorted list; 0 where it is empty.
    public static func of(_ sorted: [Double], _ share: Double) -> Double { sorted.isEmpty ? 0 : sorted[place(share, of: sorted.count)] }
}
