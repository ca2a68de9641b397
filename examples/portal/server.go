package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/rcrowley/go-metrics"

	"github.com/sallyport/sallyport/recorder"
)

// serverConfig is where and how the portal listens.
type serverConfig struct {
	addr    string
	tlsCert string // empty: no TLS, and then on loopback only
	tlsKey  string
	data    string // folder
}

// stopTime is what the portal takes at the most to stop, once its sessions may not go on any more.
const stopTime = 15 * time.Second

// serve runs the portal until ctx ends, then ends all sessions and seals their recordings.
func serve(ctx context.Context, pc portalConfig, sc serverConfig, out io.Writer) (err error) {
	var cert *certificate
	if sc.tlsCert != "" || sc.tlsKey != "" {
		if cert, err = loadCertificate(sc.tlsCert, sc.tlsKey, pc.log, time.Now); err != nil {
			return err
		}
	}
	ln, err := listen(ctx, sc.addr, cert != nil)
	if err != nil {
		return err
	}
	defer ln.Close()
	if pc.origins, err = reachedAs(pc.config.Origins, ln.Addr(), cert); err != nil {
		return err
	}

	if err := os.MkdirAll(sc.data, 0o700); err != nil {
		return fmt.Errorf("portal: -data: %w", err)
	}
	pc.metrics = metrics.NewRegistry()
	rec, err := openRecorder(ctx, sc.data, pc.metrics, pc.log)
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, sc.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	pc.recorder, pc.store, pc.events = rec, db, db
	if pc.config.needsDemoHost() {
		demo, stop, err := startDemoHosts()
		if err != nil {
			return err
		}
		defer stop()
		pc.demo = demo
	}
	p, err := newPortal(pc)
	if err != nil {
		return err
	}
	if _, err := p.broker.Recover(ctx); err != nil {
		return fmt.Errorf("portal: sessions that a crash has left: %w", err)
	}
	background, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	go p.run(background)

	srv := newServer(p, pc.log)
	served := make(chan error, 1)
	go func() {
		if cert == nil {
			served <- srv.Serve(ln)
			return
		}
		srv.TLSConfig = cert.config()
		served <- srv.ServeTLS(ln, "", "")
	}()
	announce(out, pc, ln.Addr(), cert != nil, sc.data)

	select {
	case err = <-served:
	case <-ctx.Done():
	}
	drain := pc.config.Limits.Drain
	pc.log.Info("stopping", "live", p.broker.Health().Live, "drain", drain)
	// The sessions first: their people learn why, may finish what they are at, and every recording is sealed before the process
	// ends. A second signal cuts the drain short.
	again, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	grace, cancel := context.WithTimeout(again, drain+stopTime)
	defer cancel()
	err = errors.Join(err, p.shutdown(grace))
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return errors.Join(err, srv.Shutdown(last), rec.Close(last))
}

// newServer bounds what a peer may take of time and memory before and between requests (S29). Sockets of sessions
// have left the server by then and have limits of their own.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// listen opens the socket. Without TLS, passwords and sessions must not leave the machine.
func listen(ctx context.Context, addr string, withTLS bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("portal: -addr %q: %w; write host:port, for example 127.0.0.1:8080", addr, err)
	}
	if ip := net.ParseIP(host); !withTLS && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("portal: -addr %q can be reached from other machines, and without TLS everybody on the way could read passwords; "+
			"add -tls-cert FILE -tls-key FILE, or use 127.0.0.1:%s, put a TLS proxy in front, and list its address under origins", addr, port)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	return ln, nil
}

// reachedAs are the origins that the portal answers under: those of the configuration, or else what the certificate
// vouches for, or else loopback's.
func reachedAs(configured []string, addr net.Addr, cert *certificate) ([]string, error) {
	switch {
	case len(configured) > 0:
		return configured, nil
	case cert == nil:
		return originsFor(addr), nil
	}
	out := cert.origins(addr)
	if len(out) == 0 {
		return nil, errors.New("portal: the certificate names no host without a wildcard; list the addresses that browsers use under origins in the configuration")
	}
	return out, nil
}

// openRecorder makes the recorder, with a key of its own, and seals what a crash left open.
func openRecorder(ctx context.Context, data string, counts metrics.Registry, log *slog.Logger) (*recorder.Recorder, error) {
	key, err := recorder.LoadOrCreateKey(filepath.Join(data, "recording.key"))
	if err != nil {
		return nil, err
	}
	public, err := recorder.MarshalPublicKey(key.Public().(recorder.PublicKey))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(data, "recording.pub"), public, 0o644); err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	rec, err := recorder.New(recorder.Config{Dir: filepath.Join(data, "recordings"), Key: key, Metrics: counts, Log: log})
	if err != nil {
		return nil, err
	}
	adopted, err := rec.Adopt(ctx)
	for _, a := range adopted {
		log.Warn("recording of a crashed gateway", "session", a.Session, "path", a.Path, "state", a.State, "err", a.Err)
	}
	return rec, err
}

// announce tells a person how to go on. Tests read the first line.
func announce(out io.Writer, pc portalConfig, addr net.Addr, withTLS bool, data string) {
	var b bytes.Buffer
	own := "http://" + addr.String()
	if withTLS {
		own = "https://" + addr.String()
	}
	fmt.Fprintf(&b, "portal: listening on %s\n", own)
	for _, o := range pc.origins {
		if o != own {
			fmt.Fprintf(&b, "  also as %s\n", o)
		}
	}
	if len(pc.logins) > 0 {
		fmt.Fprintln(&b, "\nSign in as")
		for _, l := range pc.logins {
			fmt.Fprintf(&b, "  %-5s password %-10s may %s\n", l.Name, l.Password, l.May)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "recordings, their public key and events: %s\n", data)
	_, _ = out.Write(b.Bytes())
}

// originsFor are the addresses under which a browser on this machine reaches a listener on loopback.
func originsFor(addr net.Addr) (out []string) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return nil
	}
	hosts := []string{"127.0.0.1", "localhost"}
	if own := tcp.IP.String(); !slices.Contains(hosts, own) {
		hosts = append([]string{own}, hosts...)
	}
	for _, h := range hosts {
		out = append(out, origin("http", h, tcp.Port, 80))
	}
	return out
}
