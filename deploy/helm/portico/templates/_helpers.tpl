{{- define "portico.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "portico.selector" -}}
app.kubernetes.io/name: portico
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "portico.labels" -}}
{{ include "portico.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "portico.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end -}}

{{/* The configuration: the values', with what only the chart knows. */}}
{{- define "portico.config" -}}
{{- $secrets := "/etc/portico/secrets" -}}
{{- $ours := dict
  "server" (dict "listen" "0.0.0.0:8080" "adminListen" "0.0.0.0:9090")
  "iam" (dict "clientSecretFile" (printf "%s/okta-client-secret" $secrets))
  "sts" (dict "token" (dict "keyEncryptionKeyFile" (printf "%s/key-encryption-key" $secrets)))
  "store" (dict "driver" "postgres" "dsnFile" (printf "%s/postgres-dsn" $secrets)) -}}
{{- if .Values.secrets.previousKeyEncryptionKey.name -}}
{{- $_ := set $ours.sts.token "previousKeyEncryptionKeyFile" (printf "%s/previous-key-encryption-key" $secrets) -}}
{{- end -}}
{{- if .Values.secrets.scimToken.name -}}
{{- $_ := set $ours "scim" (dict "tokenFile" (printf "%s/scim-token" $secrets)) -}}
{{- end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $ours) -}}
{{- end -}}

{{- define "portico.secret" -}}
- secret:
    name: {{ .from.name }}
    items:
      - { key: {{ .from.key }}, path: {{ .path }} }
{{- end -}}
