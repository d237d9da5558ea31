// What the service manager that started the server is told.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Glibc
internal import Sockets
internal import System

/// Tells systemd when the server is ready, reloads its files and stops, and that it is alive; nobody if it was
/// started in another way. Confined to the main loop.
final class ServiceNotice {
    private let manager: ServiceManager?
    private let loop: EventLoop
    private var watchdog: Watchdog?
    private var places = ""
    /// The counts are reported when this interval is over, since they change often.
    private var timer: Timer?

    init(on loop: EventLoop) {
        manager = ServiceManager(environment: Self.environment)
        self.loop = loop
    }

    /// A variable of the process's environment.
    static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// The folder that the manager created for the service and removes with it; nil if there is none.
    static func folder(_ environment: (String) -> String?) -> String? {
        // The first of several.
        environment("RUNTIME_DIRECTORY")?.split(separator: ":").first.map { String($0) }
    }

    /// Connections are being accepted.
    ///
    /// - Parameters:
    ///   - addresses: where.
    ///   - ask: sends a pulse to the network process, after which `alive` must follow.
    func serves(on addresses: [SocketAddress], ask: @escaping (PulsePost) -> Void) {
        guard let manager else { return }
        places = addresses.map { "\($0)" }.joined(separator: " and ")
        manager.tell([.ready, .status("Listening on \(places)")])
        guard let limit = manager.watchdog else { return }
        watchdog = Watchdog(limit: limit, loop: loop, ask: ask) { manager.tell([.watchdog]) }
    }

    /// The network process has answered a pulse.
    func alive(_ number: UInt64) { watchdog?.answered(number) }

    /// Sessions or programs have begun or ended.
    func changed(_ attendance: @escaping () -> Attendance) {
        guard let manager, timer == nil else { return }
        timer = Timer(after: .seconds(1), on: loop) { [unowned self] in
            timer = nil
            manager.tell([.status("Listening on \(places); \(attendance().words)")])
        }
    }

    /// The files are being reloaded.
    func reloads() { manager?.tell([.reloading(at: .now)]) }

    /// The files were reloaded.
    func hasReloaded() {
        // A server that isn't ready yet says so when it is.
        if !places.isEmpty { manager?.tell([.ready]) }
    }

    /// Nothing new begins.
    ///
    /// - Parameter span: how long sessions and programs may take to finish.
    func ends(within span: Duration) { manager?.tell([.stopping(within: span + Self.margin)]) }

    /// Allowed for what follows the last of them.
    private static let margin = Duration.seconds(15)
}
