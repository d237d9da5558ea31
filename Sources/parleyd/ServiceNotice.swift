// What the service manager that has started the server is told.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Glibc
internal import Sockets
internal import System

/// Tells systemd when the server serves, reads its files again and ends, and that it is alive; nobody where it was
/// started otherwise. Confined to the main loop.
final class ServiceNotice {
    private let manager: ServiceManager?
    private let loop: EventLoop
    private var watchdog: Watchdog?
    private var places = ""
    /// Who is there is told when it is over, since it changes often.
    private var timer: Timer?

    init(on loop: EventLoop) {
        manager = ServiceManager(environment: Self.environment)
        self.loop = loop
    }

    /// A variable of the process's environment.
    static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// The folder that the manager has made for the service, which goes with it; nil where there is none.
    static func folder(_ environment: (String) -> String?) -> String? {
        // Of several, the first.
        environment("RUNTIME_DIRECTORY")?.split(separator: ":").first.map { String($0) }
    }

    /// Connections are accepted.
    ///
    /// - Parameters:
    ///   - addresses: where.
    ///   - ask: sends a pulse to the network process, which `alive` must follow.
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

    /// The files are read again.
    func reloads() { manager?.tell([.reloading(at: .now)]) }

    /// They were read.
    func hasReloaded() {
        // A server that doesn't serve yet says so when it does.
        if !places.isEmpty { manager?.tell([.ready]) }
    }

    /// Nothing begins any more.
    ///
    /// - Parameter span: what sessions and programs may take to their end.
    func ends(within span: Duration) { manager?.tell([.stopping(within: span + Self.margin)]) }

    /// For what follows the last of them.
    private static let margin = Duration.seconds(15)
}
