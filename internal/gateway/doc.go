// Package gateway knows the gateways that may stand in front of Portico instead of the built-in one: it writes their
// configuration from ours, and knows where they sign out.
//
//	APISIX            routes with the openid-connect plug-in: apisix.yaml of the standalone mode, or the ADC's adc.yaml
//	OAuth2Proxy       oauth2-proxy.cfg; or alpha.yaml and core.cfg, the form that can send the shared secret
//	OAuth2ProxySignOut the address that ends OAuth2-Proxy's session and then Okta's
//
// What is printed is complete and says, as comments, what remains to be done. It is the same for the same configuration,
// and it never holds a secret: those are named by the environment variable that each product reads them from. How a
// request of theirs is recognised is authn's business.
//
// Every option name is the product's own, as documented for APISIX 3.17 and OAuth2-Proxy 7.15 (docs/gateways.md).
package gateway
