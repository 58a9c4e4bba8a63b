// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A room: the folder keeps the plain name, the module is prefixed so that it never collides.
func room(_ name: String, _ rooms: [String] = [], _ products: [Target.Dependency] = [], linked: [LinkerSetting] = []) -> Target {
    .target(
        name: "Quintet\(name)",
        dependencies: rooms.map { .byName(name: $0 == "CKernels" ? "CQuintetKernels" : "Quintet\($0)") } + products,
        path: "Sources/\(name)", swiftSettings: settings, linkerSettings: linked)
}

func tests(_ name: String, _ rooms: [String], _ products: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: rooms.map { .byName(name: $0 == "CKernels" ? "CQuintetKernels" : $0 == "Quintet" ? "Quintet" : "Quintet\($0)") }
            + products,
        path: "Tests/\(name)Tests", exclude: exclude, swiftSettings: settings)
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")
let http: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HummingbirdTLS", package: "hummingbird"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"), .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    .product(name: "Logging", package: "swift-log"), .product(name: "CoreMetrics", package: "swift-metrics"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"), .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
    .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "quintet",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Quintet", targets: ["Quintet"]),
        .executable(name: "quintet", targets: ["QuintetTool"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ],
    targets: [
        .target(name: "CQuintetKernels", path: "Sources/CKernels"),
        .systemLibrary(
            name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(
            name: "CZstandard", path: "Sources/CZstandard", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(name: "CXZ", path: "Sources/CXZ", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"]), .brew(["xz"])]),
        .systemLibrary(name: "CIconv", path: "Sources/CIconv"),
        room("Files", [], [crypto, yaml]),
        room("Reports", ["Files"]),
        room("Tensors", ["CKernels", "Files"]),
        room("Tokenizers", ["Files"], ["CZlib"]),
        room("Checkpoints", ["Files", "Tensors"]),
        room("Layers", ["Tensors", "Checkpoints", "Files"]),
        room("Models", ["Layers", "Checkpoints", "Tokenizers", "Tensors", "Files"]),
        room("Corpus", ["CKernels", "Tokenizers", "Reports", "Files"], ["CZlib", "CZstandard", "CXZ", "CIconv"],
            linked: [.linkedLibrary("iconv", .when(platforms: [.macOS]))]),
        room("Generation", ["Models", "Layers", "Checkpoints", "Tokenizers", "Tensors", "Files"]),
        room("Training", ["CKernels", "Generation", "Corpus", "Models", "Layers", "Checkpoints", "Tokenizers", "Tensors", "Reports", "Files"], [yaml]),
        room("Serving", ["Generation", "Models", "Checkpoints", "Tokenizers", "Layers", "Tensors", "Reports", "Files"], [crypto] + http),
        .target(
            name: "Quintet",
            dependencies: [
                "QuintetTraining", "QuintetGeneration", "QuintetCorpus", "QuintetModels", "QuintetLayers", "QuintetCheckpoints",
                "QuintetTokenizers", "QuintetTensors", "QuintetFiles",
            ], path: "Sources/Quintet", swiftSettings: settings),
        .executableTarget(
            name: "QuintetTool",
            dependencies: [
                "Quintet", "QuintetServing", "QuintetTraining", "QuintetGeneration", "QuintetCorpus", "QuintetModels", "QuintetLayers",
                "QuintetCheckpoints", "QuintetTokenizers", "QuintetTensors", "QuintetFiles", arguments,
            ], path: "Sources/Tool", swiftSettings: settings),
        .executableTarget(name: "WriteStory", dependencies: ["Quintet"], path: "Examples/WriteStory", swiftSettings: settings),
        .executableTarget(name: "AskModel", dependencies: ["Quintet"], path: "Examples/AskModel", swiftSettings: settings),
        // Stands before the C library's allocator, in test executables only.
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        tests("Kernels", ["CKernels"]),
        tests("Files", ["Files"]),
        tests("Tensors", ["Tensors", "CKernels"]),
        tests("Tokenizers", ["Tokenizers", "Files"], exclude: ["Templates", "slots.jsonl"]),
        tests("Checkpoints", ["Checkpoints", "Tensors", "Files"]),
        tests("Models", ["Models", "Layers", "Checkpoints", "Tensors", "Files"]),
        tests("Corpus", ["Corpus", "Tokenizers", "Files"]),
        tests(
            "Generation", ["Generation", "Models", "Layers", "Checkpoints", "Tokenizers", "Tensors", "Files"], ["AllocationCounter"], exclude: ["Adapters"]),
        tests(
            "Training", ["Training", "Generation", "Models", "Layers", "Checkpoints", "Corpus", "Tokenizers", "Tensors", "Files"], ["AllocationCounter"],
            exclude: ["Objectives"]),
        .target(
            name: "FuzzHarnesses",
            dependencies: ["QuintetGeneration", "QuintetCorpus", "QuintetModels", "QuintetCheckpoints", "QuintetTokenizers", "QuintetTensors", "QuintetFiles"],
            path: "Tests/Fuzz/Harnesses", swiftSettings: settings),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzHarnesses", "QuintetFiles"], path: "Tests/FuzzTests", swiftSettings: settings),
        tests("Serving", ["Serving", "Generation", "Models", "Layers", "Tokenizers", "Tensors", "Files"], ["AllocationCounter"]),
        tests("Tool", ["Files", "Checkpoints", "Tensors"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
