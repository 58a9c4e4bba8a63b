internal import QuintetFiles

extension SourceFormat {
    /// Parquet is told apart, and refused with the way to convert it.
    static let parquet = SourceFormat(name: "parquet", endings: ["parquet"], recognizes: { $0.starts(with: Array("PAR1".utf8)) }) {
        input, _ throws(FileError) in
        throw FileError(
            "Parquet is not supported yet", path: input.name, expected: "JSON lines or CSV",
            hint: "convert it: duckdb -c \"COPY (FROM '\(input.name)') TO 'out.jsonl'\", or in Python: pandas.read_parquet('\(input.name)').to_json('out.jsonl', orient='records', lines=True)")
    }
}
