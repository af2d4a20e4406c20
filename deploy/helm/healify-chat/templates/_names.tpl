{{/* The name before those of all objects: that of the release, and that of the chart where the release does not say it. */}}
{{- define "healify-chat.name" -}}
{{- $name := contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* The labels by which the pods of a process are found. Input: a dict with root and process. */}}
{{- define "healify-chat.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .process }}
{{- end -}}

{{/* The labels of an object that belongs to no process. */}}
{{- define "healify-chat.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The labels of an object of a process. Input: a dict with root and process. */}}
{{- define "healify-chat.processLabels" -}}
{{ include "healify-chat.labels" .root }}
app.kubernetes.io/component: {{ .process }}
{{- end -}}

{{/* The defaults of API_PORT, API_METRICS_PORT and so on, which the schema does not let anybody change. */}}
{{- define "healify-chat.ports" -}}
{{- if eq . "api" -}}
{http: 3000, metrics: 9464}
{{- else -}}
{http: 3001, metrics: 9465}
{{- end -}}
{{- end -}}

{{/* A duration as the settings write it, in whole seconds, rounded up. */}}
{{- define "healify-chat.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" -}}
{{- div (add $number 999) 1000 -}}
{{- else -}}
{{- mul $number (get (dict "s" 1 "m" 60 "h" 3600) $unit) -}}
{{- end -}}
{{- end -}}
