package main

import (
	"fmt"

	"github.com/sallyport/sallyport/pam"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/rdp"
	"github.com/sallyport/sallyport/sshx"
)

// mountBroker makes the broker out of what the portal has. This is all that a host application needs to do
// for sessions; everything else in this folder is the application itself.
func (p *portal) mountBroker(c portalConfig) error {
	data := c.config.policyData()
	engine, err := policy.New(policy.Config{Data: &data, Log: c.log})
	if err != nil {
		return fmt.Errorf("portal: %s: %w", c.config.file, err)
	}
	ssh, err := sshx.New(sshx.Config{
		KnownHosts: c.config.SSH.KnownHosts, RevokedKeys: c.config.SSH.RevokedKeys, InsecureLegacyAlgorithms: c.config.SSH.Legacy,
	})
	if err != nil {
		return err
	}
	desktops, err := rdp.NewProtocol(rdp.ProtocolConfig{Jumps: ssh})
	if err != nil {
		return err
	}
	mfa, err := secondFactors(c.config.Users, c.now)
	if err != nil {
		return err
	}
	p.policy = engine
	p.protocols[ssh.Name()], p.protocols[desktops.Name()] = true, true
	p.broker, err = pam.New(pam.Config{
		Identify:  p.logins.identify,
		Inventory: p.inv,
		Vault:     p.inv,
		Policy:    engine,
		Events:    c.events,
		Store:     c.store,
		Protocols: []pam.Protocol{ssh, desktops},
		Recorder:  c.recorder,
		MFA:       mfa,
		Limits:    c.config.Limits,
		Gateway:   c.config.Gateway,
		Metrics:   c.metrics,
		UI:        c.ui,
		Origins:   c.origins,
		AssetURL:  func(id pam.AssetID) string { return "/assets/" + string(id) },
		LoginURL:  loginURL,
		Log:       c.log,
		Now:       c.now,
	})
	return err
}
