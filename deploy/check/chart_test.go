package check

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const (
	chartDir = "../helm/portico"
	rendered = "../kubernetes/portico.yaml"
)

// render is helm template, with the example's values and some more.
func render(t *testing.T, more map[string]any) (map[string]string, error) {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	values, err := chartutil.ReadValuesFile(filepath.Join(chartDir, "example-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return renderWith(c, chartutil.CoalesceTables(more, values))
}

func renderWith(c *chart.Chart, values map[string]any) (map[string]string, error) {
	release := chartutil.ReleaseOptions{Name: "portico", Namespace: "portico", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, release, chartutil.DefaultCapabilities.Copy())
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(c, all)
}

// objects are the documents, in the order of their templates' names.
func objects(files map[string]string) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for document := range strings.SplitSeq("\n"+files[name], "\n---\n") {
			if strings.Contains(document, "\nkind: ") {
				all = append(all, strings.TrimSpace(document)+"\n")
			}
		}
	}
	return all
}

var kinds = map[string]func() any{
	"apps/v1 Deployment":                     func() any { return &appsv1.Deployment{} },
	"autoscaling/v2 HorizontalPodAutoscaler": func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
	"networking.k8s.io/v1 Ingress":           func() any { return &networkingv1.Ingress{} },
	"networking.k8s.io/v1 NetworkPolicy":     func() any { return &networkingv1.NetworkPolicy{} },
	"policy/v1 PodDisruptionBudget":          func() any { return &policyv1.PodDisruptionBudget{} },
	"v1 ConfigMap":                           func() any { return &corev1.ConfigMap{} },
	"v1 Service":                             func() any { return &corev1.Service{} },
	"v1 ServiceAccount":                      func() any { return &corev1.ServiceAccount{} },
	// Its types are not Kubernetes': what is there is looked at by name only.
	"monitoring.coreos.com/v1 ServiceMonitor": func() any { return &map[string]any{} },
}

// decode refuses what Kubernetes would: fields that there are not, twice the same, values of another type.
func decode(t *testing.T, documents []string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, document := range documents {
		var head struct {
			APIVersion, Kind string
			Metadata         struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		make := kinds[head.APIVersion+" "+head.Kind]
		if make == nil {
			t.Errorf("there is no %s %s", head.APIVersion, head.Kind)
			continue
		}
		object := make()
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Errorf("%s %s: %v", head.Kind, head.Metadata.Name, err)
		}
		all[head.Kind+" "+head.Metadata.Name] = object
	}
	return all
}

// TestChartIsWhatKubernetesReads, with the example's values, with everything off and with everything on.
func TestChartIsWhatKubernetesReads(t *testing.T) {
	enabled := func(is bool) map[string]any { return map[string]any{"enabled": is} } // each its own: Helm merges into them
	strings := map[string]any{"a.example.com/b": "true"}
	for name, c := range map[string]struct {
		values map[string]any
		want   int
	}{
		"the example": {nil, 9},
		"all of it": {map[string]any{
			"serviceMonitor": map[string]any{"enabled": true, "labels": strings}, "podAnnotations": strings, "podLabels": strings, "nodeSelector": strings, "priorityClassName": "high",
			"tolerations": []any{map[string]any{"key": "a", "operator": "Exists"}}, "serviceAccount": map[string]any{"annotations": strings},
			"service": map[string]any{"annotations": strings, "port": 8080}, "image": map[string]any{"pullSecrets": []any{"a"}, "digest": "sha256:" + hex64},
			"secrets": map[string]any{"previousKeyEncryptionKey": map[string]any{"name": "a", "key": "b"}, "scimToken": map[string]any{"name": "a", "key": "c"}},
		}, 10},
		"as little as can be": {map[string]any{"ingress": enabled(false), "autoscaling": enabled(false), "networkPolicy": enabled(false)}, 6},
		"nobody in":           {map[string]any{"networkPolicy": map[string]any{"ingress": []any{}, "metrics": []any{}}, "serviceMonitor": enabled(true)}, 10},
	} {
		files, err := render(t, c.values)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if all := decode(t, objects(files)); len(all) != c.want {
			t.Errorf("%s: %d objects, want %d: %v", name, len(all), c.want, slices.Sorted(maps.Keys(all)))
		}
	}
}

var hex64 = strings.Repeat("0a", 32)

// TestChartRefuses what is missing, misspelt, or a secret among the values.
func TestChartRefuses(t *testing.T) {
	config := func(section, key string, value any) map[string]any {
		return map[string]any{"config": map[string]any{section: map[string]any{key: value}}}
	}
	for name, values := range map[string]map[string]any{
		"an unknown value":              {"replicas": 2},
		"no image":                      {"image": map[string]any{"repository": ""}},
		"a tag for a digest":            {"image": map[string]any{"digest": "latest"}},
		"a public address without TLS":  config("server", "publicUrl", "http://desk.example.com"),
		"no public address":             config("server", "publicUrl", ""),
		"another address to listen at":  config("server", "listen", "0.0.0.0:80"),
		"a client secret":               config("iam", "clientSecret", "s3cret"),
		"a DSN":                         config("store", "dsn", "postgres://a:b@c/d"),
		"SQLite, which one pod can use": config("store", "driver", "sqlite"),
		"a token of SCIM":               config("scim", "token", "s3cret"),
		"a shared secret":               config("gateway", "sharedSecret", "s3cret"),
		"no Secret":                     {"secrets": map[string]any{"keyEncryptionKey": map[string]any{"name": "", "key": "k"}}},
		"an ingress without TLS":        {"ingress": map[string]any{"tlsSecret": ""}},
	} {
		if _, err := render(t, values); err == nil {
			t.Errorf("%s: it is accepted", name)
		}
	}
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := renderWith(c, map[string]any{}); err == nil {
		t.Error("the defaults alone are accepted")
	}
}

// TestManifestsAreTheChart: deploy/kubernetes is what Helm makes of the example's values. UPDATE=1 writes it.
func TestManifestsAreTheChart(t *testing.T) {
	files, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := "# Made of deploy/helm/portico with its example-values.yaml: UPDATE=1 make deploy-check. Replace every example.com, and make the\n" +
		"# Secret that deploy/helm/portico/README.md names: kubectl apply --namespace portico --filename portico.yaml\n---\n" + strings.Join(objects(files), "---\n")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(rendered, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(rendered)
	if err != nil || !bytes.Equal(kept, []byte(text)) {
		t.Errorf("%s is not what the chart makes (%v): UPDATE=1 make deploy-check", rendered, err)
	}
}

// TestPodsAreRestricted, as the Pod Security Standard of that name and this product want it.
func TestPodsAreRestricted(t *testing.T) {
	files, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := decode(t, objects(files))
	d := all["Deployment portico"].(*appsv1.Deployment)
	pod := d.Spec.Template.Spec
	container := pod.Containers[0]
	s, c := pod.SecurityContext, container.SecurityContext
	for rule, holds := range map[string]bool{
		"not root":                       *s.RunAsNonRoot && *s.RunAsUser == 65532 && *s.RunAsGroup == 65532,
		"seccomp":                        s.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"no escalation":                  !*c.AllowPrivilegeEscalation && !*c.Privileged,
		"no capabilities":                len(c.Capabilities.Add) == 0 && slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}),
		"a read-only root":               *c.ReadOnlyRootFilesystem,
		"nothing of the node":            !pod.HostNetwork && !pod.HostPID && !pod.HostIPC,
		"no token for Kubernetes":        !*pod.AutomountServiceAccountToken && !*all["ServiceAccount portico"].(*corev1.ServiceAccount).AutomountServiceAccountToken,
		"one container":                  len(pod.Containers) == 1 && len(pod.InitContainers) == 0,
		"limits":                         !container.Resources.Limits.Memory().IsZero() && !container.Resources.Requests.Cpu().IsZero(),
		"nobody waits for an upgrade":    d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() == 0,
		"time for requests under way":    *pod.TerminationGracePeriodSeconds >= container.Lifecycle.PreStop.Sleep.Seconds+15,
		"both kinds of probes":           container.LivenessProbe.HTTPGet.Path == "/health/live" && container.ReadinessProbe.HTTPGet.Path == "/health/ready",
		"secrets are files of its group": *pod.Volumes[1].Projected.DefaultMode == 0o440 && *s.FSGroup == 65532,
		"no secret in the environment":   len(container.Env) == 0 && len(container.EnvFrom) == 0,
		"spread":                         len(pod.TopologySpreadConstraints) == 2,
	} {
		if !holds {
			t.Error(rule)
		}
	}
	labels := d.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"the deployment": d.Spec.Selector.MatchLabels, "the service": all["Service portico"].(*corev1.Service).Spec.Selector,
		"the budget": all["PodDisruptionBudget portico"].(*policyv1.PodDisruptionBudget).Spec.Selector.MatchLabels,
		"the policy": all["NetworkPolicy portico"].(*networkingv1.NetworkPolicy).Spec.PodSelector.MatchLabels,
	} {
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("%s selects %s=%s, the pods have %q", what, key, value, labels[key])
			}
		}
	}
}

// TestPolicyLetsNobodyInByAccident: in a NetworkPolicy a rule without peers is a rule for everybody.
func TestPolicyLetsNobodyInByAccident(t *testing.T) {
	none := func() map[string]any { return map[string]any{"to": []any{}} }
	for name, values := range map[string]map[string]any{
		"the example":   nil,
		"nobody at all": {"networkPolicy": map[string]any{"ingress": []any{}, "metrics": []any{}, "egress": map[string]any{"dns": []any{}, "postgres": none(), "core": none(), "okta": none()}}},
	} {
		files, err := render(t, values)
		if err != nil {
			t.Fatal(err)
		}
		spec := decode(t, objects(files))["NetworkPolicy portico"].(*networkingv1.NetworkPolicy).Spec
		if !reflect.DeepEqual(spec.PolicyTypes, []networkingv1.PolicyType{"Ingress", "Egress"}) {
			t.Errorf("%s: %v", name, spec.PolicyTypes)
		}
		for _, rule := range spec.Ingress {
			if len(rule.From) == 0 || len(rule.Ports) == 0 {
				t.Errorf("%s: everybody may come in: %+v", name, rule)
			}
		}
		for _, rule := range spec.Egress {
			if len(rule.To) == 0 || len(rule.Ports) == 0 {
				t.Errorf("%s: everything may be reached: %+v", name, rule)
			}
		}
		if values != nil && len(spec.Ingress)+len(spec.Egress) > 0 {
			t.Errorf("%s: %+v", name, spec)
		}
	}
}

// TestConfigurationsLoad: whatever deploy/ configures, Portico itself accepts; secrets are stood in for.
func TestConfigurationsLoad(t *testing.T) {
	binary := os.Getenv("PORTICO")
	if binary == "" {
		t.Skip("PORTICO names no binary: sh scripts/deploy-check.sh")
	}
	files, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	chart := decode(t, objects(files))["ConfigMap portico"].(*corev1.ConfigMap).Data["portico.yaml"]
	configurations := map[string]string{"chart": chart}
	for _, path := range []string{"../compose/portico.yaml", "../systemd/portico.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		configurations[path] = string(text)
	}
	dir := t.TempDir()
	secret := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	client, key, dsn := secret("client", "s3cret"), secret("key", strings.Repeat("A", 43)+"="), secret("dsn", "postgres://portico:x@postgres/portico")
	for name, text := range configurations {
		cmd := exec.Command(binary, "config", "check", "--config", secret("portico.yaml", text))
		cmd.Env = []string{"PORTICO_iam__clientSecretFile=" + client, "PORTICO_sts__token__keyEncryptionKeyFile=" + key}
		if strings.Contains(text, "postgres") {
			cmd.Env = append(cmd.Env, "PORTICO_store__dsnFile="+dsn)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
