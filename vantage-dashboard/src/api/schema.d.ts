/** Made by dev/api-types.mjs from the OpenAPI document of the query API. Do not edit. */
export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Root
         * @description 200 with the state of every dependency: the API answers what it can while one is down.
         */
        get: operations["root"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Alerts
         * @description What is pending, fires or is acknowledged: what fires first, the worst and oldest of it before the rest.
         */
        get: operations["list_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{id}/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Acknowledge Alert
         * @description Says that somebody is on it; the alert goes on until its cause is gone. 409 unless it fires.
         */
        post: operations["acknowledge_alert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{id}/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resolve Alert
         * @description Ends it by hand; it does not come back before its cause has been gone once.
         */
        post: operations["resolve_alert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{id}/silence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Silence Alert
         * @description Silences the alert's rule for its service, from now on for some minutes.
         */
        post: operations["silence_alert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/active": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Active Alerts
         * @description What is pending, fires or is acknowledged: what fires first, the worst and oldest of it before the rest.
         */
        get: operations["list_active_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/baselines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Alert Baseline
         * @description What an adaptive rule takes for normal, for the 168 hours of the week. All of it is `learning` where no rule
         *     asks for this figure, or the service has not been seen for long enough; 404 where it was never seen.
         */
        get: operations["alert_baseline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Channels
         * @description Every channel, by id.
         */
        get: operations["list_channels"];
        put?: never;
        /**
         * Create Channel
         * @description The answer has the secret of a webhook, this once.
         */
        post: operations["create_channel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/channels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Channel */
        get: operations["get_channel"];
        put?: never;
        post?: never;
        /** Delete Channel */
        delete: operations["delete_channel"];
        options?: never;
        head?: never;
        /**
         * Change Channel
         * @description What is left out stays as it was, the secret too.
         */
        patch: operations["change_channel"];
        trace?: never;
    };
    "/api/alerts/channels/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate Channel Secret
         * @description Gives a webhook a new secret, which the answer has this once. For a day the old one signs too.
         */
        post: operations["rotate_channel_secret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/channels/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test Channel
         * @description Sends a message that says it is a test, by one attempt, and tells what became of it.
         */
        post: operations["test_channel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Alert History
         * @description Every change of every alert, the newest first; a day unless a range is given.
         */
        get: operations["alert_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Alert Rules
         * @description By id, the built-in ones among them, each with the error that keeps it from being evaluated.
         */
        get: operations["list_alert_rules"];
        put?: never;
        /**
         * Create Alert Rule
         * @description A service that has not been seen yet is no mistake: it may come.
         */
        post: operations["create_alert_rule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Alert Rule */
        get: operations["get_alert_rule"];
        put?: never;
        post?: never;
        /**
         * Delete Alert Rule
         * @description Its alerts are resolved at the next turn. A built-in rule can only be disabled.
         */
        delete: operations["delete_alert_rule"];
        options?: never;
        head?: never;
        /**
         * Change Alert Rule
         * @description What the body leaves out stays. A built-in rule becomes the workspace's own with its first change.
         */
        patch: operations["change_alert_rule"];
        trace?: never;
    };
    "/api/alerts/rules/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Preview Alert Rule
         * @description When the rule would have fired: it is tried on up to seven days that are stored, and not kept.
         */
        post: operations["preview_alert_rule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/silences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Silences
         * @description By id, those that are over too.
         */
        get: operations["list_silences"];
        put?: never;
        /**
         * Create Silence
         * @description Nothing is told of alerts that every matcher fits, while it lasts.
         */
        post: operations["create_silence"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/silences/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete Silence
         * @description What still fires is told at the next turn.
         */
        delete: operations["delete_silence"];
        options?: never;
        head?: never;
        /**
         * Change Silence
         * @description What the body leaves out stays.
         */
        patch: operations["change_silence"];
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Audit
         * @description What people and alerts changed, the newest first. Only a key whose role is admin may ask.
         */
        get: operations["audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/city": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * City
         * @description Every building with what it shows, and every edge with its traffic: now, or as it was.
         */
        get: operations["city"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/city/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * City Replay
         * @description The city at every step of a range, for a scrubber: at most 600 frames, in pages where services are many.
         */
        get: operations["city_replay"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/dashboards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Dashboards
         * @description Vantage's example, then yours by id.
         */
        get: operations["list_dashboards"];
        put?: never;
        /**
         * Create Dashboard
         * @description Every panel's query is compiled first: an error 422 says which one and where.
         */
        post: operations["create_dashboard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/dashboards/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Dashboard
         * @description `ETag` is its version, for If-Match.
         */
        get: operations["get_dashboard"];
        put?: never;
        post?: never;
        /** Delete Dashboard */
        delete: operations["delete_dashboard"];
        options?: never;
        head?: never;
        /**
         * Change Dashboard
         * @description 409 when it is no longer the version that was seen, by `If-Match` or `version`.
         */
        patch: operations["change_dashboard"];
        trace?: never;
    };
    "/api/dashboards/{id}/data": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Dashboard Data
         * @description Runs every panel over the range. One that fails has an `error`, and the others their rows.
         */
        post: operations["dashboard_data"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/dashboards/{id}/duplicate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Duplicate Dashboard */
        post: operations["duplicate_dashboard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/dashboards/{id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export Dashboard
         * @description The dashboard as a file, without what belongs to this installation.
         */
        get: operations["export_dashboard"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/dashboards/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import Dashboard
         * @description Makes a new dashboard of what `export` answered, here or elsewhere.
         */
        post: operations["import_dashboard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Logs
         * @description The log lines that fit every condition, newest first. Lines that come in meanwhile shift no page.
         */
        get: operations["logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Metrics
         * @description The metrics that were sent in the range (default: the last day), with their services and tag keys.
         */
        get: operations["list_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics/exemplars": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Exemplars
         * @description Samples of a metric that lead to a trace: the greatest values, or spread over the range the greatest of each
         *     part. A stored row may stand for several observations: it keeps the trace of one of them.
         */
        get: operations["get_exemplars"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics/tags": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Tags
         * @description The tags of a metric in the range (default: the last day), and the columns that group and filter alike.
         */
        get: operations["list_tags"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics/tags/{key}/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Tag Values
         * @description The values of a tag in the range (default: the last day), each with the number of its observations.
         */
        get: operations["list_tag_values"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics/timeseries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Timeseries
         * @description One metric over time. Every aggregate honours the weights; the request metric of a service that sends
         *     only spans is read from its server spans. Services that are not grouped by are taken together.
         */
        get: operations["get_timeseries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Services
         * @description Every service that has sent anything, with what it does right now, by name and environment.
         */
        get: operations["list_services"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/services/{service}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Service
         * @description One service; of several environments the busiest, unless one is given. The lists cover the range.
         */
        get: operations["get_service"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/stream/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream Alerts
         * @description What happens to alerts, as it happens.
         */
        get: operations["stream_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/stream/city": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream City
         * @description The city in JSON: `hello` and a `tick` with every service, then what changes.
         */
        get: operations["stream_city"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/stream/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream Logs
         * @description Log lines as they come, in batches: the messages of /ws/logs.
         */
        get: operations["stream_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/stream/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream Metrics
         * @description What every service shows, once a second: the messages of /ws/metrics.
         */
        get: operations["stream_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/stream/ticket": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stream Ticket
         * @description A ticket that opens one stream within 30 s: an EventSource cannot send a key.
         */
        post: operations["stream_ticket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/compare/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Compare Services
         * @description Two services, or two parts of one told apart by tags, in the same time.
         */
        post: operations["compare_services"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/compare/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Compare Versions
         * @description Two versions of a service in the same time.
         */
        post: operations["compare_versions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/compare/windows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Compare Windows
         * @description A service before and after: two windows of one length that do not overlap.
         */
        post: operations["compare_windows"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Health
         * @description 200 with the state of every dependency: the API answers what it can while one is down.
         */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * History Of All
         * @description The fleet's score of every step of the range (default: the last day): the services' mean by requests.
         */
        get: operations["history_of_all"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/history/{service}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * History Of
         * @description The score of every step of the range (default: the last day), UNKNOWN where nothing was requested.
         */
        get: operations["history_of"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/score/{service}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Score Of
         * @description The score and what it is made of; of several environments that of the busiest, unless one is given.
         */
        get: operations["score_of"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/scores": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All Scores
         * @description Every service's score, and the fleet's.
         */
        get: operations["all_scores"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Live
         * @description 200 while the process runs.
         */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Ready
         * @description 503 while a dependency is down.
         */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/traces/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Trace
         * @description Every span of a trace, by start; an empty list when there is none (yet).
         */
        get: operations["get_trace"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/traces/{trace_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Trace Tree
         * @description A trace as a tree: depth, own time, critical path, what failed first, and what each service did of it.
         */
        get: operations["get_trace_tree"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/traces/{trace_id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Trace Logs
         * @description The log lines of a trace or of one of its spans, by time.
         */
        get: operations["get_trace_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/traces/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search
         * @description The traces that began in the range and fit. With a service, an operation, an environment or tags one span has
         *     to fit all of it, status and duration included; without them both are those of the whole trace.
         */
        get: operations["search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/traces/service-map": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Service Map
         * @description Who calls whom: services, and the queues, databases and addresses they call. With a service only its own
         *     edges.
         */
        get: operations["get_service_map"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/vql/execute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Execute
         * @description Runs a query. An error says where in the text it is (`position`) and, where it can, what was meant. `cached`
         *     tells of an answer of the last minute that was kept for those who ask again. The query is stopped when the
         *     client goes away.
         */
        post: operations["execute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/vql/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Explain Query
         * @description What a query becomes: its plan, the tables it reads and why no others, what the engine expects to read of
         *     them, and the SQL with its values as placeholders. Nothing is read.
         */
        post: operations["explain_query"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * ActiveAlerts
         * @description `firing` counts all of them, on any page. `evaluated` is when the rules were last evaluated; null while nobody
         *     does.
         */
        ActiveAlerts: {
            /** Alerts */
            alerts: components["schemas"]["AlertView"][];
            /** Evaluated */
            evaluated: number | null;
            /** Firing */
            firing: number;
            /** Total */
            total: number;
        };
        /**
         * Adaptive
         * @description The aggregate compared with what is normal for the service at this hour of the week, in standard deviations.
         *     Below `min_deviation`, in the metric's unit, nothing is out of the ordinary.
         */
        Adaptive: {
            /**
             * Critical Sigma
             * @default 3
             */
            critical_sigma: number;
            /**
             * Direction
             * @default up
             * @enum {string}
             */
            direction: "up" | "down" | "both";
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "adaptive";
            /**
             * Min Deviation
             * @default 0
             */
            min_deviation: number;
            /**
             * Recover Sigma
             * @default 1.5
             */
            recover_sigma: number;
            /**
             * Warning Sigma
             * @default 2
             */
            warning_sigma: number;
        };
        /**
         * AlertView
         * @description `started` is when the condition was first met, `fired` when it had held long enough. `silenced_by` is the id of
         *     a silence. The figures are those of the last change of state, at `changed`.
         */
        AlertView: {
            /** By */
            by: string;
            /** Changed */
            changed: number;
            /** Comment */
            comment: string;
            /** Ended */
            ended: number | null;
            /** Expected */
            expected: number | null;
            /** Fired */
            fired: number | null;
            /** Id */
            id: string;
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Metric */
            metric: string;
            /** Rule Id */
            rule_id: string;
            /** Rule Name */
            rule_name: string;
            /** Runbook */
            runbook: string;
            /** Service Name */
            service_name: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "warning" | "critical";
            /** Silenced By */
            silenced_by: string | null;
            /** Started */
            started: number;
            /**
             * State
             * @enum {string}
             */
            state: "pending" | "firing" | "acknowledged" | "resolved";
            /** Threshold */
            threshold: number | null;
            /** Value */
            value: number | null;
        };
        /**
         * Audit
         * @description The newest first. `cursor` leads to what is older; null where nothing is.
         */
        Audit: {
            /** Cursor */
            cursor: string | null;
            /** Entries */
            entries: components["schemas"]["AuditEntry"][];
        };
        /**
         * AuditEntry
         * @description `body` is what the thing was after the change, without its secrets; null when it was deleted.
         */
        AuditEntry: {
            /** Action */
            action: string;
            /** At */
            at: number;
            /** Author */
            author: string;
            /** Body */
            body: {
                [key: string]: unknown;
            } | null;
            /** Id */
            id: string;
            /** Kind */
            kind: string;
        };
        /**
         * BaselineView
         * @description What is normal for one service, hour by hour of the week; `until` is how far it has been learned.
         */
        BaselineView: {
            /**
             * Agg
             * @enum {string}
             */
            agg: "avg" | "sum" | "count" | "min" | "max" | "rate" | "p50" | "p90" | "p95" | "p99" | "error_ratio";
            /** Environment */
            environment: string | null;
            /** Hours */
            hours: components["schemas"]["CellView"][];
            /** Metric */
            metric: string;
            /** Service Name */
            service_name: string;
            /**
             * State
             * @enum {string}
             */
            state: "learning" | "ok";
            /** Until */
            until: number | null;
            /** Window S */
            window_s: number;
        };
        /**
         * Caller
         * @description `service_name` is empty for requests whose caller is not known.
         */
        Caller: {
            /** Count */
            count: number;
            /** Error Ratio */
            error_ratio: number;
            /** P95 Ms */
            p95_ms: number;
            /** Service Name */
            service_name: string;
        };
        /**
         * CellView
         * @description `hour` 0 is Monday, 00:00 to 01:00 UTC. `sigma` is what deviations are counted in, its floor included.
         */
        CellView: {
            /** Hour */
            hour: number;
            /** Mean */
            mean: number | null;
            /** N */
            n: number;
            /** Sigma */
            sigma: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "learning" | "ok";
        };
        /**
         * ChannelChange
         * @description What is left out stays. `version` is the one that was seen: a newer one is an error 409.
         */
        ChannelChange: {
            /** Enabled */
            enabled?: boolean | null;
            /** Name */
            name?: string | null;
            /**
             * Secret
             * @description replaces the secret at once
             */
            secret?: string | null;
            /** Url */
            url?: string | null;
            /** Version */
            version?: number | null;
        };
        /**
         * ChannelDraft
         * @description `url` is an http(s) address for a webhook, or one that Apprise understands (``slack://…``).
         */
        ChannelDraft: {
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /**
             * Kind
             * @enum {string}
             */
            kind: "webhook" | "apprise";
            /** Name */
            name: string;
            /**
             * Secret
             * @description of a webhook; one is made where none is given
             */
            secret?: string | null;
            /** Url */
            url: string;
        };
        /** Channels */
        Channels: {
            /** Channels */
            channels: components["schemas"]["ChannelView"][];
            /** Total */
            total: number;
        };
        /**
         * ChannelSecret
         * @description The one answer that has the secret of a webhook; null for other kinds.
         */
        ChannelSecret: {
            /** Author */
            author: string;
            /** Changed At */
            changed_at: number;
            /** Enabled */
            enabled: boolean;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "webhook" | "apprise";
            /** Name */
            name: string;
            /** Rotating Until */
            rotating_until: number | null;
            /** Secret */
            secret: string | null;
            /** Service */
            service: string;
            /** Target */
            target: string;
            /** Version */
            version: number;
        };
        /**
         * ChannelView
         * @description A channel without its secrets. `target` is the masked address; until `rotating_until` two secrets sign.
         */
        ChannelView: {
            /** Author */
            author: string;
            /** Changed At */
            changed_at: number;
            /** Enabled */
            enabled: boolean;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "webhook" | "apprise";
            /** Name */
            name: string;
            /** Rotating Until */
            rotating_until: number | null;
            /** Service */
            service: string;
            /** Target */
            target: string;
            /** Version */
            version: number;
        };
        /** CityDistrict */
        CityDistrict: {
            /** Depth */
            depth: number;
            /** Name */
            name: string;
            /** Width */
            width: number;
            /** X */
            x: number;
            /** Z */
            z: number;
        };
        /**
         * CityEdge
         * @description `from` and `to` are slots; `from` is null for requests whose caller is unknown.
         */
        CityEdge: {
            /** Error Ratio */
            error_ratio: number | null;
            /** From */
            from: number | null;
            /** Id */
            id: number;
            /** Rps */
            rps: number;
            /** To */
            to: number;
        };
        /**
         * CityMoment
         * @description The city now, or as it was: then `at` is the moment that is shown, and every number is that of the
         *     `resolution_s` before it, `edges_resolution_s` for the edges.
         */
        CityMoment: {
            /** At */
            at?: number | null;
            /** Districts */
            districts: components["schemas"]["CityDistrict"][];
            /** Edges */
            edges: components["schemas"]["CityEdge"][];
            /** Edges Resolution S */
            edges_resolution_s?: number | null;
            /** Resolution S */
            resolution_s?: number | null;
            /** Server Time */
            server_time: number;
            /** Services */
            services: components["schemas"]["CityService"][];
        };
        /**
         * CityReplay
         * @description Moments in steps of `step_s`; each number is that of the step before its moment. The registry holds for all of
         *     them. `next_start` begins the next page, null on the last.
         */
        CityReplay: {
            /** Columns */
            columns: ("slot" | "pods" | "rps" | "error_ratio" | "p95_ms" | "health_score" | "status")[];
            /** Districts */
            districts: components["schemas"]["CityDistrict"][];
            /** End */
            end: number;
            /** Frames */
            frames: components["schemas"]["ReplayFrame"][];
            /** Next Start */
            next_start: number | null;
            /** Services */
            services: components["schemas"]["ReplayService"][];
            /** Start */
            start: number;
            /** Statuses */
            statuses: ("UNKNOWN" | "HEALTHY" | "DEGRADED" | "UNHEALTHY")[];
            /** Step S */
            step_s: number;
        };
        /** CityService */
        CityService: {
            /** District */
            district: string;
            /** Environment */
            environment: string;
            /** Error Ratio */
            error_ratio: number | null;
            /** Health Score */
            health_score: number | null;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** P95 Ms */
            p95_ms: number | null;
            /** Pods */
            pods: number;
            /** Rps */
            rps: number;
            /** Slot */
            slot: number;
            /**
             * Status
             * @enum {string}
             */
            status: "UNKNOWN" | "HEALTHY" | "DEGRADED" | "UNHEALTHY";
            /** X */
            x: number;
            /** Z */
            z: number;
        };
        /** Comment */
        Comment: {
            /**
             * Comment
             * @default
             */
            comment: string;
        };
        /** CompareServices */
        CompareServices: {
            /**
             * Alpha
             * @description false positives that are accepted
             * @default 0.05
             */
            alpha: number;
            /** Baseline Service */
            baseline_service: string;
            /**
             * Baseline Tags
             * @default {}
             */
            baseline_tags: {
                [key: string]: string;
            };
            /** Candidate Service */
            candidate_service: string;
            /**
             * Candidate Tags
             * @default {}
             */
            candidate_tags: {
                [key: string]: string;
            };
            /**
             * Lower Is Better
             * @default true
             */
            lower_is_better: boolean;
            /**
             * Metric Name
             * @default http.request.duration
             */
            metric_name: string;
            /**
             * Min Effect Pct
             * @description the smallest difference that matters
             * @default 1
             */
            min_effect_pct: number;
            /**
             * Scale
             * @description auto: log where the metric's name says duration or latency, else linear
             * @default auto
             * @enum {string}
             */
            scale: "auto" | "log" | "linear";
            /**
             * Time End
             * @description ms, seconds (below 10¹¹) or ISO 8601
             */
            time_end: number | string;
            /**
             * Time Start
             * @description ms, seconds (below 10¹¹) or ISO 8601
             */
            time_start: number | string;
        };
        /** CompareVersions */
        CompareVersions: {
            /**
             * Alpha
             * @description false positives that are accepted
             * @default 0.05
             */
            alpha: number;
            /** Baseline Version */
            baseline_version: string;
            /** Candidate Version */
            candidate_version: string;
            /**
             * Lower Is Better
             * @default true
             */
            lower_is_better: boolean;
            /**
             * Metric Name
             * @default http.request.duration
             */
            metric_name: string;
            /**
             * Min Effect Pct
             * @description the smallest difference that matters
             * @default 1
             */
            min_effect_pct: number;
            /**
             * Scale
             * @description auto: log where the metric's name says duration or latency, else linear
             * @default auto
             * @enum {string}
             */
            scale: "auto" | "log" | "linear";
            /** Service */
            service: string;
            /**
             * Tags
             * @default {}
             */
            tags: {
                [key: string]: string;
            };
            /**
             * Time End
             * @description ms, seconds (below 10¹¹) or ISO 8601
             */
            time_end: number | string;
            /**
             * Time Start
             * @description ms, seconds (below 10¹¹) or ISO 8601
             */
            time_start: number | string;
        };
        /**
         * CompareWindows
         * @description Two windows of one length; minute k of one is set against minute k of the other.
         */
        CompareWindows: {
            /**
             * Alpha
             * @description false positives that are accepted
             * @default 0.05
             */
            alpha: number;
            /**
             * Baseline End
             * @description ms, seconds (below 10¹¹) or ISO 8601
             */
            baseline_end: number | string;
            /**
             * Baseline Start
             * @description ms, seconds (below 10¹¹) or ISO 8601
             */
            baseline_start: number | string;
            /**
             * Candidate End
             * @description ms, seconds (below 10¹¹) or ISO 8601
             */
            candidate_end: number | string;
            /**
             * Candidate Start
             * @description ms, seconds (below 10¹¹) or ISO 8601
             */
            candidate_start: number | string;
            /**
             * Lower Is Better
             * @default true
             */
            lower_is_better: boolean;
            /**
             * Metric Name
             * @default http.request.duration
             */
            metric_name: string;
            /**
             * Min Effect Pct
             * @description the smallest difference that matters
             * @default 1
             */
            min_effect_pct: number;
            /**
             * Scale
             * @description auto: log where the metric's name says duration or latency, else linear
             * @default auto
             * @enum {string}
             */
            scale: "auto" | "log" | "linear";
            /** Service */
            service: string;
            /**
             * Tags
             * @default {}
             */
            tags: {
                [key: string]: string;
            };
        };
        /**
         * Comparison
         * @description `p_value` is safe to look at as often as one likes while the range's start stays. `confidence_interval` is that
         *     of `effect_size`: the tested difference in standard deviations of single observations.
         */
        Comparison: {
            /** Alpha */
            alpha: number;
            baseline: components["schemas"]["Side"];
            candidate: components["schemas"]["Side"];
            confidence_interval: components["schemas"]["Interval"] | null;
            /** Effect Size */
            effect_size: number | null;
            error_rate: components["schemas"]["ErrorRates"] | null;
            fixed_sample: components["schemas"]["FixedSample"] | null;
            /** Improvement Pct */
            improvement_pct: number | null;
            /** Independent Minutes */
            independent_minutes: number;
            /** Lower Is Better */
            lower_is_better: boolean;
            /** Metric Name */
            metric_name: string;
            /** Minutes */
            minutes: number;
            /** P Value */
            p_value: number;
            /** P Values */
            p_values: [
                number,
                number
            ][];
            /** Percentiles */
            percentiles: {
                [key: string]: components["schemas"]["PercentileChange"];
            };
            /** Reasons */
            reasons: string[];
            /**
             * Recommendation
             * @enum {string}
             */
            recommendation: "DEPLOY" | "HOLD" | "ROLLBACK" | "INCONCLUSIVE";
            /**
             * Scale
             * @enum {string}
             */
            scale: "log" | "linear";
            /** Significant Since */
            significant_since: number | null;
            /** Statistical Significance */
            statistical_significance: boolean;
            tested: components["schemas"]["Tested"] | null;
            /** Warnings */
            warnings: components["schemas"]["Warned"][];
        };
        /** Content */
        Content: {
            /**
             * Description
             * @default
             */
            description: string;
            /** Name */
            name: string;
            /**
             * Panels
             * @default []
             */
            panels: components["schemas"]["Panel"][];
            /**
             * Variables
             * @default []
             */
            variables: components["schemas"]["Variable"][];
        };
        /**
         * ContentChange
         * @description What is left out stays; `panels` and `variables` are replaced as a whole. `version` is the one that was seen.
         */
        ContentChange: {
            /** Description */
            description?: string | null;
            /** Name */
            name?: string | null;
            /** Panels */
            panels?: components["schemas"]["Panel"][] | null;
            /** Variables */
            variables?: components["schemas"]["Variable"][] | null;
            /** Version */
            version?: number | null;
        };
        /**
         * CriticalStep
         * @description From `offset` on the trace waited for this span itself.
         */
        CriticalStep: {
            /** Duration */
            duration: number;
            /** Name */
            name: string;
            /** Offset */
            offset: number;
            /** Service */
            service: string;
            /** Span Id */
            span_id: string;
        };
        /**
         * Dashboard
         * @description `read_only` ones belong to Vantage; duplicate them to change them.
         */
        Dashboard: {
            /** Author */
            author: string;
            /** Changed At */
            changed_at: number;
            /**
             * Description
             * @default
             */
            description: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /**
             * Panels
             * @default []
             */
            panels: components["schemas"]["Panel"][];
            /**
             * Read Only
             * @default false
             */
            read_only: boolean;
            /**
             * Variables
             * @default []
             */
            variables: components["schemas"]["Variable"][];
            /** Version */
            version: number;
        };
        /** DashboardData */
        DashboardData: {
            /** End */
            end: number;
            /** Panels */
            panels: components["schemas"]["PanelData"][];
            /** Start */
            start: number;
        };
        /** Dashboards */
        Dashboards: {
            /** Dashboards */
            dashboards: components["schemas"]["DashboardSummary"][];
            /** Total */
            total: number;
        };
        /** DashboardSummary */
        DashboardSummary: {
            /** Author */
            author: string;
            /** Changed At */
            changed_at: number;
            /** Description */
            description: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Panels */
            panels: number;
            /** Read Only */
            read_only: boolean;
            /** Version */
            version: number;
        };
        /**
         * DataAsked
         * @description The values of variables; those that are left out have their default.
         */
        DataAsked: {
            /**
             * Variables
             * @default {}
             */
            variables: {
                [key: string]: string;
            };
        };
        /** Dependency */
        Dependency: {
            /** Detail */
            detail?: string | null;
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "down";
        };
        /**
         * Downsampled
         * @description Points of all series, before and after.
         */
        Downsampled: {
            /** From Points */
            from_points: number;
            /**
             * Method
             * @constant
             */
            method: "lttb";
            /** To Points */
            to_points: number;
        };
        /** Endpoint */
        Endpoint: {
            /** Count */
            count: number;
            /** Endpoint */
            endpoint: string;
            /** Error Ratio */
            error_ratio: number;
            /** Mean Ms */
            mean_ms: number;
            /** Method */
            method: string;
            /** P95 Ms */
            p95_ms: number;
        };
        /**
         * ErrorBody
         * @description The one shape of every error.
         */
        ErrorBody: {
            error: components["schemas"]["ErrorInfo"];
        };
        /** ErrorDetail */
        ErrorDetail: {
            /** Loc */
            loc: string;
            /** Msg */
            msg: string;
        };
        /** ErrorInfo */
        ErrorInfo: {
            /** Code */
            code: string;
            /** Details */
            details?: components["schemas"]["ErrorDetail"][] | null;
            /** Hint */
            hint?: string | null;
            /** Message */
            message: string;
            /** Position */
            position?: number | null;
        };
        /**
         * ErrorRates
         * @description `difference` is candidate less baseline, a mean over minutes; p-value and interval are always-valid.
         */
        ErrorRates: {
            /** Baseline */
            baseline: number;
            /** Candidate */
            candidate: number;
            /** Difference */
            difference: number;
            /** High */
            high: number | null;
            /** Low */
            low: number | null;
            /** P Value */
            p_value: number;
        };
        /**
         * EventView
         * @description One change of one alert. `author` is a key's id, or vantage.
         */
        EventView: {
            /** Alert Id */
            alert_id: string;
            /** At */
            at: number;
            /** Author */
            author: string;
            /** Comment */
            comment: string;
            /** Expected */
            expected: number | null;
            /**
             * Happening
             * @enum {string}
             */
            happening: "pending" | "firing" | "escalated" | "acknowledged" | "resolved" | "dropped" | "told";
            /** Metric */
            metric: string;
            /** Rule Id */
            rule_id: string;
            /** Rule Name */
            rule_name: string;
            /** Service Name */
            service_name: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "warning" | "critical";
            /**
             * State
             * @enum {string}
             */
            state: "pending" | "firing" | "acknowledged" | "resolved";
            /** Threshold */
            threshold: number | null;
            /** Value */
            value: number | null;
        };
        /**
         * Exemplar
         * @description A stored sample with a trace: `count` observations whose mean is `value`; the trace is of one of them.
         */
        Exemplar: {
            /** Count */
            count: number;
            /** Endpoint */
            endpoint: string;
            /** Method */
            method: string;
            /** Span Id */
            span_id: string;
            /** Status Code */
            status_code: number;
            /** Timestamp */
            timestamp: number;
            /** Trace Id */
            trace_id: string;
            /** Value */
            value: number;
        };
        /** Exemplars */
        Exemplars: {
            /** Exemplars */
            exemplars: components["schemas"]["Exemplar"][];
            /** Metric */
            metric: string;
            /** Service */
            service: string;
            /**
             * Source
             * @enum {string}
             */
            source: "metrics" | "spans";
        };
        /**
         * Export
         * @description A dashboard as a file.
         */
        Export: {
            /**
             * Description
             * @default
             */
            description: string;
            /** Name */
            name: string;
            /**
             * Panels
             * @default []
             */
            panels: components["schemas"]["Panel"][];
            /**
             * Vantage Dashboard
             * @default 1
             * @constant
             */
            vantage_dashboard: 1;
            /**
             * Variables
             * @default []
             */
            variables: components["schemas"]["Variable"][];
        };
        /** FiringView */
        FiringView: {
            /** Ended */
            ended: number | null;
            /** Expected */
            expected: number | null;
            /** Fired */
            fired: number;
            /** Service Name */
            service_name: string;
            /**
             * Severity
             * @enum {string}
             */
            severity: "warning" | "critical";
            /** Threshold */
            threshold: number | null;
            /** Value */
            value: number | null;
        };
        /**
         * Fixed
         * @description The aggregate of the window compared with a number. Once firing, it is compared with `recover` instead.
         */
        Fixed: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "fixed";
            /**
             * Op
             * @enum {string}
             */
            op: ">" | ">=" | "<" | "<=";
            /** Recover */
            recover?: number | null;
            /** Threshold */
            threshold: number;
        };
        /**
         * FixedSample
         * @description Tests of single observations, by weight. They hold for one look only, and only if observations are independent:
         *     for those who want to compare, not for a verdict.
         */
        FixedSample: {
            /** Mann Whitney P Value */
            mann_whitney_p_value: number;
            /** Probability Better */
            probability_better: number;
            /** Welch P Value */
            welch_p_value: number;
        };
        /**
         * FleetHealth
         * @description The mean of the services' scores, weighted by their requests.
         */
        FleetHealth: {
            /** Health Score */
            health_score: number | null;
            /**
             * Status
             * @enum {string}
             */
            status: "UNKNOWN" | "HEALTHY" | "DEGRADED" | "UNHEALTHY";
        };
        /** FleetHealthHistory */
        FleetHealthHistory: {
            /** End */
            end: number;
            /** Points */
            points: components["schemas"]["FleetHealthStep"][];
            /** Source */
            source: string;
            /** Start */
            start: number;
            /** Step S */
            step_s: number;
        };
        /**
         * FleetHealthStep
         * @description The services together from `timestamp` on for a step; `statuses` counts those with requests in the range.
         */
        FleetHealthStep: {
            /** Error Ratio */
            error_ratio: number | null;
            /** Health Score */
            health_score: number | null;
            /** Requests */
            requests: number;
            /** Requests Per Second */
            requests_per_second: number;
            /**
             * Status
             * @enum {string}
             */
            status: "UNKNOWN" | "HEALTHY" | "DEGRADED" | "UNHEALTHY";
            /** Statuses */
            statuses: {
                [key: string]: number;
            };
            /** Timestamp */
            timestamp: number;
        };
        /**
         * HealthBelow
         * @description The health score, 0 to 100, is below; it has to come `recover_by` points above to be well again.
         */
        HealthBelow: {
            /** Below */
            below: number;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "health";
            /**
             * Recover By
             * @default 5
             */
            recover_by: number;
        };
        /** HealthBody */
        HealthBody: {
            /** Dependencies */
            dependencies: {
                [key: string]: components["schemas"]["Dependency"];
            };
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "degraded";
            /** Version */
            version: string;
        };
        /** HealthFactor */
        HealthFactor: {
            /** Score */
            score: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "ok" | "learning" | "no_data";
            /** Value */
            value: number | null;
            /** Weight */
            weight: number;
        };
        /** HealthFactors */
        HealthFactors: {
            availability: components["schemas"]["HealthFactor"];
            error_rate: components["schemas"]["HealthFactor"];
            request_rate: components["schemas"]["HealthFactor"];
            response_time: components["schemas"]["HealthFactor"];
        };
        /** HealthHistory */
        HealthHistory: {
            /** End */
            end: number;
            /** Environment */
            environment: string;
            /** Points */
            points: components["schemas"]["HealthStep"][];
            /** Service Name */
            service_name: string;
            /** Source */
            source: string;
            /** Start */
            start: number;
            /** Step S */
            step_s: number;
        };
        /** HealthScore */
        HealthScore: {
            /** Environment */
            environment: string;
            factors: components["schemas"]["HealthFactors"];
            /** Health Score */
            health_score: number | null;
            /** Service Name */
            service_name: string;
            /**
             * Status
             * @enum {string}
             */
            status: "UNKNOWN" | "HEALTHY" | "DEGRADED" | "UNHEALTHY";
        };
        /** HealthScores */
        HealthScores: {
            fleet: components["schemas"]["FleetHealth"];
            /** Scores */
            scores: components["schemas"]["HealthScore"][];
        };
        /**
         * HealthStep
         * @description A service from `timestamp` on for a step. Without requests everything but `requests` is unknown.
         */
        HealthStep: {
            /** Availability */
            availability: number | null;
            /** Error Ratio */
            error_ratio: number | null;
            /** Health Score */
            health_score: number | null;
            /** P95 Ms */
            p95_ms: number | null;
            /** Requests */
            requests: number;
            /** Requests Per Second */
            requests_per_second: number;
            /**
             * Status
             * @enum {string}
             */
            status: "UNKNOWN" | "HEALTHY" | "DEGRADED" | "UNHEALTHY";
            /** Timestamp */
            timestamp: number;
        };
        /**
         * History
         * @description The newest first. `next_offset` leads to the next page, null on the last.
         */
        History: {
            /** Events */
            events: components["schemas"]["EventView"][];
            /** Next Offset */
            next_offset: number | null;
        };
        /** Interval */
        Interval: {
            /** High */
            high: number;
            /** Level */
            level: number;
            /** Low */
            low: number;
        };
        /** LogLine */
        LogLine: {
            /** Attributes */
            attributes: {
                [key: string]: string;
            };
            /** Body */
            body: string;
            /** Service Name */
            service_name: string;
            /** Severity */
            severity: string;
            /** Span Id */
            span_id: string;
            /** Timestamp */
            timestamp: number;
            /** Trace Id */
            trace_id: string;
        };
        /** Logs */
        Logs: {
            /** Logs */
            logs: components["schemas"]["LogLine"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /**
         * MapEdge
         * @description `caller` and `callee` are ids of nodes. `source` says what tells of the calls: the callee's request metric where
         *     there is one, else spans.
         */
        MapEdge: {
            /** Callee */
            callee: string;
            /** Caller */
            caller: string;
            /** Count */
            count: number;
            /** Error Ratio */
            error_ratio: number;
            /**
             * Kind
             * @enum {string}
             */
            kind: "service" | "messaging" | "queue" | "database" | "external";
            /** P50 Ms */
            p50_ms: number | null;
            /** P95 Ms */
            p95_ms: number | null;
            /** Rps */
            rps: number;
            /**
             * Source
             * @enum {string}
             */
            source: "metric" | "span";
        };
        /**
         * MapNode
         * @description `id` is kind and name. The figures are of all requests a service answered, or of all calls to what is none; null
         *     where nobody tells.
         */
        MapNode: {
            /** Error Ratio */
            error_ratio: number | null;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "service" | "queue" | "database" | "external";
            /** Name */
            name: string;
            /** P95 Ms */
            p95_ms: number | null;
            /** Rps */
            rps: number | null;
        };
        /**
         * Matcher
         * @description `value` is a pattern: ``*`` stands for anything, ``?`` for one character. `label` says which label is meant.
         */
        Matcher: {
            /**
             * Field
             * @enum {string}
             */
            field: "service" | "rule" | "rule_name" | "metric" | "severity" | "label";
            /**
             * Label
             * @default
             */
            label: string;
            /** Value */
            value: string;
        };
        /** MetricInfo */
        MetricInfo: {
            /** Metric Name */
            metric_name: string;
            /** Metric Type */
            metric_type: string;
            /** Services */
            services: string[];
            /** Tag Keys */
            tag_keys: string[];
        };
        /** Metrics */
        Metrics: {
            /** Metrics */
            metrics: components["schemas"]["MetricInfo"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /**
         * NoData
         * @description Nothing came in the window from a service that sent something in the day before.
         */
        NoData: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "no_data";
        };
        /**
         * Panel
         * @description A query and how it is drawn. `options` are the chart's own, such as unit or colour.
         */
        Panel: {
            /**
             * Chart
             * @enum {string}
             */
            chart: "line" | "area" | "bar" | "table" | "number" | "heatmap";
            /** Id */
            id: string;
            /**
             * Options
             * @default {}
             */
            options: {
                [key: string]: boolean | number | string | null;
            };
            position: components["schemas"]["Position"];
            /** Query */
            query: string;
            /** Title */
            title: string;
        };
        /**
         * PanelData
         * @description Rows or an error. `truncated` when the panel has more rows than are sent.
         */
        PanelData: {
            /**
             * Columns
             * @default []
             */
            columns: components["schemas"]["VqlColumn"][];
            /**
             * Elapsed Ms
             * @default 0
             */
            elapsed_ms: number;
            error?: components["schemas"]["ErrorInfo"] | null;
            /** Id */
            id: string;
            /**
             * Row Count
             * @default 0
             */
            row_count: number;
            /**
             * Rows
             * @default []
             */
            rows: unknown[][];
            /**
             * Source
             * @default
             */
            source: string;
            /**
             * Truncated
             * @default false
             */
            truncated: boolean;
        };
        /**
         * PercentileChange
         * @description The interval is of level 0.95 and of this one look.
         */
        PercentileChange: {
            /** High Pct */
            high_pct: number | null;
            /** Improvement Pct */
            improvement_pct: number;
            /** Low Pct */
            low_pct: number | null;
        };
        /**
         * Position
         * @description In cells of a grid of 12 columns.
         */
        Position: {
            /** H */
            h: number;
            /** W */
            w: number;
            /** X */
            x: number;
            /** Y */
            y: number;
        };
        /** PreviewAsked */
        PreviewAsked: {
            /**
             * End
             * @description default: now
             * @default
             */
            end: string | number;
            rule: components["schemas"]["RuleBody"];
            /**
             * Start
             * @description as the parameter `start` elsewhere; default: a day before end
             * @default
             */
            start: string | number;
        };
        /**
         * PreviewView
         * @description When the rule would have fired between `start` and `end`, of `services` that were looked at. `left_out` more
         *     services, the quietest, were not; of more than 500 firings the first are listed.
         */
        PreviewView: {
            /** End */
            end: number;
            /** Firings */
            firings: components["schemas"]["FiringView"][];
            /** Left Out */
            left_out: number;
            /** Services */
            services: number;
            /** Start */
            start: number;
            /** Total */
            total: number;
        };
        /** Quiet */
        Quiet: {
            /**
             * Comment
             * @default
             */
            comment: string;
            /** Minutes */
            minutes: number;
        };
        /**
         * ReplayFrame
         * @description The city at `at`; each row has the values of `columns`. A service without a row was UNKNOWN and at rest.
         */
        ReplayFrame: {
            /** At */
            at: number;
            /** Rows */
            rows: [
                number,
                number,
                number,
                number | null,
                number | null,
                number | null,
                number
            ][];
        };
        /** ReplayService */
        ReplayService: {
            /** District */
            district: string;
            /** Environment */
            environment: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Slot */
            slot: number;
            /** X */
            x: number;
            /** Z */
            z: number;
        };
        /**
         * RuleBody
         * @description What a rule says. `service` is a name, which need not have been seen yet, or ``*`` for each service by itself.
         *
         *     `metric` and `agg` say nothing to a health rule; for a no_data rule, an empty `metric` means any row at all.
         *     `min_samples` is how many observations the window needs to be judged.
         */
        RuleBody: {
            /**
             * Agg
             * @default avg
             * @enum {string}
             */
            agg: "avg" | "sum" | "count" | "min" | "max" | "rate" | "p50" | "p90" | "p95" | "p99" | "error_ratio";
            /**
             * Channels
             * @default []
             */
            channels: string[];
            /** Condition */
            condition: components["schemas"]["Fixed"] | components["schemas"]["Adaptive"] | components["schemas"]["NoData"] | components["schemas"]["HealthBelow"];
            /**
             * Enabled
             * @default true
             */
            enabled: boolean;
            /** Environment */
            environment?: string | null;
            /**
             * For S
             * @default 0
             */
            for_s: number;
            /**
             * Labels
             * @default {}
             */
            labels: {
                [key: string]: string;
            };
            /**
             * Metric
             * @default http.request.duration
             */
            metric: string;
            /**
             * Min Samples
             * @default 1
             */
            min_samples: number;
            /** Name */
            name: string;
            /**
             * Runbook
             * @default
             */
            runbook: string;
            /**
             * Service
             * @default *
             */
            service: string;
            /**
             * Severity
             * @default warning
             * @enum {string}
             */
            severity: "warning" | "critical";
            /**
             * Window S
             * @default 300
             */
            window_s: number;
        };
        /**
         * RuleChange
         * @description What is left out stays as it is.
         */
        RuleChange: {
            /** Agg */
            agg?: ("avg" | "sum" | "count" | "min" | "max" | "rate" | "p50" | "p90" | "p95" | "p99" | "error_ratio") | null;
            /** Channels */
            channels?: string[] | null;
            /** Condition */
            condition?: (components["schemas"]["Fixed"] | components["schemas"]["Adaptive"] | components["schemas"]["NoData"] | components["schemas"]["HealthBelow"]) | null;
            /** Enabled */
            enabled?: boolean | null;
            /** Environment */
            environment?: string | null;
            /** For S */
            for_s?: number | null;
            /** Labels */
            labels?: {
                [key: string]: string;
            } | null;
            /** Metric */
            metric?: string | null;
            /** Min Samples */
            min_samples?: number | null;
            /** Name */
            name?: string | null;
            /** Runbook */
            runbook?: string | null;
            /** Service */
            service?: string | null;
            /** Severity */
            severity?: ("warning" | "critical") | null;
            /** Window S */
            window_s?: number | null;
        };
        /**
         * Rules
         * @description `evaluated` is when the rules were last evaluated; null while nobody does.
         */
        Rules: {
            /** Evaluated */
            evaluated: number | null;
            /** Rules */
            rules: components["schemas"]["RuleView"][];
            /** Total */
            total: number;
        };
        /**
         * RuleView
         * @description A rule and how it is doing. `error` says why it could not be evaluated last time, or cannot be read at all;
         *     `rule` is null then only if it cannot be read. A built-in rule that nobody has edited has version 0.
         */
        RuleView: {
            /** Author */
            author: string;
            /** Built In */
            built_in: boolean;
            /** Changed */
            changed: number;
            /** Error */
            error: string | null;
            /** Id */
            id: string;
            rule: components["schemas"]["RuleBody"] | null;
            /** Version */
            version: number;
        };
        /**
         * Series
         * @description `points` are [ms, value]; the value is null where nothing was observed, 0 for count, sum and rate.
         */
        Series: {
            /** Group */
            group: {
                [key: string]: string;
            };
            /** Points */
            points: [
                number,
                number | null
            ][];
        };
        /**
         * ServiceDetail
         * @description A service with what its rows say within the range.
         */
        ServiceDetail: {
            /** Callers */
            callers: components["schemas"]["Caller"][];
            /** District */
            district: string;
            /** Endpoints */
            endpoints: components["schemas"]["Endpoint"][];
            /** Environment */
            environment: string;
            /** Error Ratio */
            error_ratio: number | null;
            /** First Seen */
            first_seen: number;
            /** Health Score */
            health_score: number | null;
            /** Instances */
            instances: string[];
            /** Last Seen */
            last_seen: number;
            /** Metrics */
            metrics: string[];
            /** P95 Ms */
            p95_ms: number | null;
            /** Pods */
            pods: number;
            /** Requests Per Second */
            requests_per_second: number;
            /** Service Name */
            service_name: string;
            /**
             * Status
             * @enum {string}
             */
            status: "UNKNOWN" | "HEALTHY" | "DEGRADED" | "UNHEALTHY";
            /** Version */
            version: string;
        };
        /**
         * ServiceMap
         * @description `truncated` where there are more edges than are shown: the busiest are.
         */
        ServiceMap: {
            /** Edges */
            edges: components["schemas"]["MapEdge"][];
            /** End */
            end: number;
            /** Nodes */
            nodes: components["schemas"]["MapNode"][];
            /** Sources */
            sources: string[];
            /** Start */
            start: number;
            /** Truncated */
            truncated: boolean;
        };
        /**
         * Services
         * @description `total` counts all pages; `next_cursor` leads to the next one, null on the last.
         */
        Services: {
            /** Next Cursor */
            next_cursor?: string | null;
            /** Services */
            services: components["schemas"]["ServiceSummary"][];
            /** Total */
            total: number;
        };
        /**
         * ServiceShare
         * @description `self_share` is of the time of all spans without their children, `critical_share` of the critical path.
         */
        ServiceShare: {
            /** Critical Ms */
            critical_ms: number;
            /** Critical Share */
            critical_share: number;
            /** Errors */
            errors: number;
            /** Self Ms */
            self_ms: number;
            /** Self Share */
            self_share: number;
            /** Service */
            service: string;
            /** Spans */
            spans: number;
        };
        /**
         * ServiceSummary
         * @description A service in one environment. The measured fields are live: the last 10 seconds, pods the last minute.
         */
        ServiceSummary: {
            /** District */
            district: string;
            /** Environment */
            environment: string;
            /** Error Ratio */
            error_ratio: number | null;
            /** First Seen */
            first_seen: number;
            /** Health Score */
            health_score: number | null;
            /** Last Seen */
            last_seen: number;
            /** P95 Ms */
            p95_ms: number | null;
            /** Pods */
            pods: number;
            /** Requests Per Second */
            requests_per_second: number;
            /** Service Name */
            service_name: string;
            /**
             * Status
             * @enum {string}
             */
            status: "UNKNOWN" | "HEALTHY" | "DEGRADED" | "UNHEALTHY";
            /** Version */
            version: string;
        };
        /**
         * Side
         * @description `n` observations in `minutes` minutes; `source` is the table they were read from.
         */
        Side: {
            /** End */
            end: number;
            /** Error Ratio */
            error_ratio: number | null;
            /** Mean */
            mean: number | null;
            /** Minutes */
            minutes: number;
            /** N */
            n: number;
            /** P50 */
            p50: number | null;
            /** P95 */
            p95: number | null;
            /** P99 */
            p99: number | null;
            /** Service */
            service: string;
            /** Source */
            source: string;
            /** Start */
            start: number;
            /** Tags */
            tags: {
                [key: string]: string;
            };
        };
        /**
         * SilenceBody
         * @description An alert is silenced when every matcher fits it, from `start_ms` up to `end_ms`.
         */
        SilenceBody: {
            /**
             * Comment
             * @default
             */
            comment: string;
            /** End Ms */
            end_ms: number;
            /** Matchers */
            matchers: components["schemas"]["Matcher"][];
            /** Start Ms */
            start_ms: number;
        };
        /** SilenceChange */
        SilenceChange: {
            /** Comment */
            comment?: string | null;
            /** End Ms */
            end_ms?: number | null;
            /** Matchers */
            matchers?: components["schemas"]["Matcher"][] | null;
            /** Start Ms */
            start_ms?: number | null;
        };
        /** Silences */
        Silences: {
            /** Silences */
            silences: components["schemas"]["SilenceView"][];
            /** Total */
            total: number;
        };
        /** SilenceView */
        SilenceView: {
            /** Active */
            active: boolean;
            /** Author */
            author: string;
            /** Comment */
            comment: string;
            /** End */
            end: number;
            /** Id */
            id: string;
            /** Matchers */
            matchers: components["schemas"]["Matcher"][];
            /** Start */
            start: number;
            /** Version */
            version: number;
        };
        /**
         * TagKeys
         * @description `columns` group and filter as tags do.
         */
        TagKeys: {
            /** Columns */
            columns: string[];
            /** Keys */
            keys: string[];
            /** Metric */
            metric: string;
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** TagValue */
        TagValue: {
            /** Count */
            count: number;
            /** Value */
            value: string;
        };
        /** TagValues */
        TagValues: {
            /** Key */
            key: string;
            /** Metric */
            metric: string;
            /** Next Cursor */
            next_cursor?: string | null;
            /** Values */
            values: components["schemas"]["TagValue"][];
        };
        /**
         * Tested
         * @description What the p-value is about: on the log scale the ratio of geometric means, on the linear one the difference of
         *     means, each the mean over minutes. The interval is always-valid.
         */
        Tested: {
            /** High Pct */
            high_pct: number | null;
            /** Improvement Pct */
            improvement_pct: number;
            /** Low Pct */
            low_pct: number | null;
            /**
             * Quantity
             * @enum {string}
             */
            quantity: "ratio of geometric means" | "difference of means";
        };
        /**
         * TestResult
         * @description `delivered`: the target took it; `failed`: it did not; `refused`: we do not send there; `timeout`.
         */
        TestResult: {
            /**
             * Outcome
             * @enum {string}
             */
            outcome: "delivered" | "failed" | "refused" | "timeout";
            /** Reason */
            reason: string | null;
            /** Took Ms */
            took_ms: number;
        };
        /** Ticket */
        Ticket: {
            /** Expires In S */
            expires_in_s: number;
            /** Ticket */
            ticket: string;
        };
        /**
         * Timeseries
         * @description `service` is the one that was asked for, empty where it was none or several; `downsampled` is null where every
         *     point is there.
         */
        Timeseries: {
            /** Agg */
            agg: string;
            downsampled?: components["schemas"]["Downsampled"] | null;
            /** End */
            end: number;
            /** Metric */
            metric: string;
            /** Series */
            series: components["schemas"]["Series"][];
            /** Service */
            service: string;
            /** Services */
            services: string[];
            /** Source */
            source: string;
            /** Start */
            start: number;
            /** Step S */
            step_s: number;
        };
        /**
         * TraceError
         * @description A failed span; `is_origin` where none of its children failed.
         */
        TraceError: {
            /** Is Origin */
            is_origin: boolean;
            /** Name */
            name: string;
            /** Offset */
            offset: number;
            /** Service */
            service: string;
            /** Span Id */
            span_id: string;
        };
        /**
         * TraceLogLine
         * @description `relation` says why the line is there: it names the span, it names the trace, or it was logged near the span by
         *     the same service.
         */
        TraceLogLine: {
            /** Attributes */
            attributes: {
                [key: string]: string;
            };
            /** Body */
            body: string;
            /**
             * Relation
             * @enum {string}
             */
            relation: "span" | "trace" | "near";
            /** Service Name */
            service_name: string;
            /** Severity */
            severity: string;
            /** Span Id */
            span_id: string;
            /** Timestamp */
            timestamp: number;
            /** Trace Id */
            trace_id: string;
        };
        /** TraceLogs */
        TraceLogs: {
            /** Logs */
            logs: components["schemas"]["TraceLogLine"][];
            /** Truncated */
            truncated: boolean;
        };
        /**
         * TracePage
         * @description `next_cursor` leads on where there is more. `sources` are the tables that were read.
         */
        TracePage: {
            /** Next Cursor */
            next_cursor: string | null;
            /** Sources */
            sources: string[];
            /** Traces */
            traces: components["schemas"]["TraceSummary"][];
        };
        /** TraceSpan */
        TraceSpan: {
            /** Attributes */
            attributes: {
                [key: string]: string;
            };
            /** Duration */
            duration: number;
            /** Kind */
            kind: string;
            /** Name */
            name: string;
            /** Parent Span Id */
            parent_span_id: string;
            /** Service */
            service: string;
            /** Span Id */
            span_id: string;
            /** Start */
            start: number;
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "error" | "unset";
            /** Trace Id */
            trace_id: string;
        };
        /**
         * TraceSummary
         * @description `service` and `name` are those of the root, or else of the earliest span.
         */
        TraceSummary: {
            /** Duration */
            duration: number;
            /** Error Count */
            error_count: number;
            /** Name */
            name: string;
            /** Service */
            service: string;
            /** Services */
            services: string[];
            /** Span Count */
            span_count: number;
            /** Start */
            start: number;
            /** Trace Id */
            trace_id: string;
        };
        /**
         * TraceTree
         * @description Spans depth first, each with its depth. Where `truncated`, the trace has more spans than were read: these are the
         *     earliest. `main_span_id` is the top of the tree that the critical path is of.
         */
        TraceTree: {
            /** Critical Path */
            critical_path: components["schemas"]["CriticalStep"][];
            /** Duration */
            duration: number;
            /** Error Count */
            error_count: number;
            /** Errors */
            errors: components["schemas"]["TraceError"][];
            /** Main Span Id */
            main_span_id: string;
            /** Orphan Count */
            orphan_count: number;
            /** Root Count */
            root_count: number;
            /** Services */
            services: components["schemas"]["ServiceShare"][];
            /** Span Count */
            span_count: number;
            /** Spans */
            spans: components["schemas"]["TreeSpan"][];
            /** Start */
            start: number;
            /** Trace Id */
            trace_id: string;
            /** Truncated */
            truncated: boolean;
        };
        /**
         * TreeSpan
         * @description A span in its place: `depth` 0 stands on top. `offset` counts from the trace's begin, `self_ms` is its time
         *     without children, `critical_ms` how long the trace waited for it. `skew_ms` is how long before its parent it seems
         *     to begin: the two clocks differ by that much at least, and nothing is shifted.
         */
        TreeSpan: {
            /** Children */
            children: number;
            /** Critical Ms */
            critical_ms: number;
            /** Depth */
            depth: number;
            /** Duration */
            duration: number;
            /** Kind */
            kind: string;
            /** Name */
            name: string;
            /** Offset */
            offset: number;
            /** Parent Span Id */
            parent_span_id: string;
            /**
             * Place
             * @enum {string}
             */
            place: "root" | "child" | "orphan" | "cycle";
            /** Self Ms */
            self_ms: number;
            /** Service */
            service: string;
            /** Skew Ms */
            skew_ms: number;
            /** Span Id */
            span_id: string;
            /** Start */
            start: number;
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "error" | "unset";
        };
        /**
         * Variable
         * @description ``$name`` in a query stands for its value, as a text. `choices` are those to offer.
         */
        Variable: {
            /**
             * Choices
             * @default []
             */
            choices: string[];
            /**
             * Default
             * @default
             */
            default: string;
            /** Name */
            name: string;
        };
        /** VqlColumn */
        VqlColumn: {
            /** Name */
            name: string;
            /** Type */
            type: string;
        };
        /** VqlExplanation */
        VqlExplanation: {
            /** Plan */
            plan: {
                [key: string]: unknown;
            };
            /** Source */
            source: string;
            /** Sql */
            sql: string;
            /** Tables */
            tables: components["schemas"]["VqlTable"][];
            /** Why */
            why: string[];
        };
        /** VqlQuery */
        VqlQuery: {
            /**
             * Query
             * @example SELECT service_name, count() FROM metrics GROUP BY service_name
             */
            query: string;
        };
        /** VqlResult */
        VqlResult: {
            /** Cached */
            cached: boolean;
            /** Columns */
            columns: components["schemas"]["VqlColumn"][];
            /** Elapsed Ms */
            elapsed_ms: number;
            /** Row Count */
            row_count: number;
            /** Rows */
            rows: unknown[][];
            /** Source */
            source: string;
        };
        /** VqlTable */
        VqlTable: {
            /** Parts */
            parts: number;
            /** Rows */
            rows: number;
            /** Size Bytes */
            size_bytes: number;
            /** Table */
            table: string;
        };
        /** Warned */
        Warned: {
            /**
             * Code
             * @enum {string}
             */
            code: "few_minutes" | "gaps" | "traffic_differs" | "autocorrelated" | "sources_differ" | "no_logarithm";
            /** Message */
            message: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    root: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthBody"];
                };
            };
        };
    };
    list_alerts: {
        parameters: {
            query?: {
                /** @description how many at most */
                limit?: number;
                /** @description how many to pass over */
                offset?: number;
                /** @description only this service */
                service?: string | null;
                severity?: ("warning" | "critical") | null;
                state?: ("pending" | "firing" | "acknowledged") | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActiveAlerts"];
                };
            };
        };
    };
    acknowledge_alert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Comment"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertView"];
                };
            };
        };
    };
    resolve_alert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Comment"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertView"];
                };
            };
        };
    };
    silence_alert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Quiet"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SilenceView"];
                };
            };
        };
    };
    list_active_alerts: {
        parameters: {
            query?: {
                /** @description how many at most */
                limit?: number;
                /** @description how many to pass over */
                offset?: number;
                /** @description only this service */
                service?: string | null;
                severity?: ("warning" | "critical") | null;
                state?: ("pending" | "firing" | "acknowledged") | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActiveAlerts"];
                };
            };
        };
    };
    alert_baseline: {
        parameters: {
            query: {
                agg?: "avg" | "sum" | "count" | "min" | "max" | "rate" | "p50" | "p90" | "p95" | "p99" | "error_ratio";
                environment?: string | null;
                metric?: string;
                service: string;
                /** @description one of 60, 300, 600 */
                window_s?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BaselineView"];
                };
            };
        };
    };
    list_channels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Channels"];
                };
            };
        };
    };
    create_channel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelDraft"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelSecret"];
                };
            };
        };
    };
    get_channel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelView"];
                };
            };
        };
    };
    delete_channel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    change_channel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelView"];
                };
            };
        };
    };
    rotate_channel_secret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelSecret"];
                };
            };
        };
    };
    test_channel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestResult"];
                };
            };
        };
    };
    alert_history: {
        parameters: {
            query?: {
                /** @description only this alert, by its id */
                alert?: string | null;
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description how many at most */
                limit?: number;
                /** @description how many to pass over */
                offset?: number;
                /** @description only this rule, by its id */
                rule?: string | null;
                /** @description only this service */
                service?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["History"];
                };
            };
        };
    };
    list_alert_rules: {
        parameters: {
            query?: {
                /** @description how many at most */
                limit?: number;
                /** @description how many to pass over */
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rules"];
                };
            };
        };
    };
    create_alert_rule: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleView"];
                };
            };
        };
    };
    get_alert_rule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleView"];
                };
            };
        };
    };
    delete_alert_rule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    change_alert_rule: {
        parameters: {
            query?: {
                /** @description the version that was seen: 409 if it changed since */
                version?: number | null;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleView"];
                };
            };
        };
    };
    preview_alert_rule: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PreviewAsked"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PreviewView"];
                };
            };
        };
    };
    list_silences: {
        parameters: {
            query?: {
                /** @description how many at most */
                limit?: number;
                /** @description how many to pass over */
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Silences"];
                };
            };
        };
    };
    create_silence: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SilenceBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SilenceView"];
                };
            };
        };
    };
    delete_silence: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    change_silence: {
        parameters: {
            query?: {
                /** @description the version that was seen: 409 if it changed since */
                version?: number | null;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SilenceChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SilenceView"];
                };
            };
        };
    };
    audit: {
        parameters: {
            query?: {
                /** @description only by this key */
                author?: string | null;
                cursor?: string | null;
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only of this kind, such as dashboard */
                kind?: string | null;
                limit?: number;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Audit"];
                };
            };
        };
    };
    city: {
        parameters: {
            query?: {
                /** @description a past moment, ms, seconds (below 10¹¹) or ISO 8601; default: now */
                at?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CityMoment"];
                };
            };
        };
    };
    city_replay: {
        parameters: {
            query?: {
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
                /** @description seconds; default: what fits */
                step?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CityReplay"];
                };
            };
        };
    };
    list_dashboards: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboards"];
                };
            };
        };
    };
    create_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Content"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
        };
    };
    get_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
        };
    };
    delete_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    change_dashboard: {
        parameters: {
            query?: never;
            header?: {
                /** @description the version that was seen, in quotes or without */
                "if-match"?: string | null;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ContentChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
        };
    };
    dashboard_data: {
        parameters: {
            query?: {
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["DataAsked"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DashboardData"];
                };
            };
        };
    };
    duplicate_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
        };
    };
    export_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Export"];
                };
            };
        };
    };
    import_dashboard: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Export"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
        };
    };
    logs: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before, with the same filters */
                cursor?: string | null;
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                /** @description default: what Accept prefers, json */
                format?: ("json" | "csv") | null;
                limit?: number;
                /** @description only this service */
                service?: string | null;
                /** @description one or several by comma */
                severity?: string | null;
                span_id?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
                /** @description part of the line, in any case */
                text?: string | null;
                trace_id?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    /** @description of a CSV answer with more to come */
                    "X-Next-Cursor"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Logs"];
                };
            };
        };
    };
    list_metrics: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before, with the same filters */
                cursor?: string | null;
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description most entries of a page */
                limit?: number;
                /** @description only names that begin so, in any case */
                prefix?: string;
                /** @description only this service */
                service?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Metrics"];
                };
            };
        };
    };
    get_exemplars: {
        parameters: {
            query: {
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                limit?: number;
                metric?: string;
                min_value?: number | null;
                order?: "slowest" | "spread";
                service: string;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Exemplars"];
                };
            };
        };
    };
    list_tags: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before, with the same filters */
                cursor?: string | null;
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description most entries of a page */
                limit?: number;
                /** @description name of a metric */
                metric?: string;
                /** @description only this service */
                service?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagKeys"];
                };
            };
        };
    };
    list_tag_values: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before, with the same filters */
                cursor?: string | null;
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description most entries of a page */
                limit?: number;
                /** @description name of a metric */
                metric?: string;
                /** @description only names that begin so, in any case */
                prefix?: string;
                /** @description only this service */
                service?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path: {
                /** @description a tag key or a column */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagValues"];
                };
            };
        };
    };
    get_timeseries: {
        parameters: {
            query?: {
                agg?: "avg" | "sum" | "count" | "min" | "max" | "rate" | "p50" | "p90" | "p95" | "p99";
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                /** @description default: what Accept prefers, json */
                format?: ("json" | "csv") | null;
                /** @description columns and tag keys, several by comma */
                group_by?: string | null;
                /** @description of a series; more are down-sampled by LTTB */
                max_points?: number | null;
                /** @description name of a metric */
                metric?: string;
                /** @description one service, several by repetition; default: all */
                service?: string[] | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
                /** @description seconds; default: range / 100 */
                step?: number | null;
                /** @description only with this key:value, several by repetition */
                tag?: string[] | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    /** @description of a CSV answer with more to come */
                    "X-Next-Cursor"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Timeseries"];
                };
            };
        };
    };
    list_services: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before, with the same filters */
                cursor?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                /** @description default: what Accept prefers, json */
                format?: ("json" | "csv") | null;
                limit?: number;
                /** @description only names that begin so, in any case */
                prefix?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    /** @description of a CSV answer with more to come */
                    "X-Next-Cursor"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Services"];
                };
            };
        };
    };
    get_service: {
        parameters: {
            query?: {
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path: {
                /** @description name of a service; it may hold slashes */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceDetail"];
                };
            };
        };
    };
    stream_alerts: {
        parameters: {
            query?: {
                environment?: string[] | null;
                service?: string[] | null;
                /** @description id of the last event that was seen; as the header Last-Event-ID */
                since?: string | null;
                /** @description from POST /api/stream/ticket */
                ticket?: string | null;
            };
            header?: {
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    stream_city: {
        parameters: {
            query?: {
                /** @description id of the last event that was seen; as the header Last-Event-ID */
                since?: string | null;
                /** @description from POST /api/stream/ticket */
                ticket?: string | null;
            };
            header?: {
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    stream_logs: {
        parameters: {
            query?: {
                environment?: string[] | null;
                service?: string[] | null;
                severity?: ("TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL")[] | null;
                /** @description id of the last event that was seen; as the header Last-Event-ID */
                since?: string | null;
                /** @description part of the line, in any case */
                text?: string | null;
                /** @description from POST /api/stream/ticket */
                ticket?: string | null;
            };
            header?: {
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    stream_metrics: {
        parameters: {
            query?: {
                environment?: string[] | null;
                service?: string[] | null;
                /** @description id of the last event that was seen; as the header Last-Event-ID */
                since?: string | null;
                /** @description from POST /api/stream/ticket */
                ticket?: string | null;
            };
            header?: {
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    stream_ticket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
        };
    };
    compare_services: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CompareServices"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Comparison"];
                };
            };
        };
    };
    compare_versions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CompareVersions"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Comparison"];
                };
            };
        };
    };
    compare_windows: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CompareWindows"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Comparison"];
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthBody"];
                };
            };
        };
    };
    history_of_all: {
        parameters: {
            query?: {
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
                /** @description seconds, whole minutes; default: range / 100 */
                step?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetHealthHistory"];
                };
            };
        };
    };
    history_of: {
        parameters: {
            query?: {
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
                /** @description seconds, whole minutes; default: range / 100 */
                step?: number | null;
            };
            header?: never;
            path: {
                /** @description name of a service; it may hold slashes */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthHistory"];
                };
            };
        };
    };
    score_of: {
        parameters: {
            query?: {
                /** @description only this deployment environment */
                environment?: string | null;
            };
            header?: never;
            path: {
                /** @description name of a service; it may hold slashes */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthScore"];
                };
            };
        };
    };
    all_scores: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthScores"];
                };
            };
        };
    };
    live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: string;
                    };
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthBody"];
                };
            };
        };
    };
    get_trace: {
        parameters: {
            query: {
                /** @description about when it ended; default: an hour after start */
                end?: string | null;
                /** @description about when it began, if known: found sooner; with or without end */
                start?: string | null;
                trace_id: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TraceSpan"][];
                };
            };
        };
    };
    get_trace_tree: {
        parameters: {
            query?: {
                /** @description about when it ended; default: an hour after start */
                end?: string | null;
                /** @description spans, the earliest first */
                limit?: number;
                /** @description about when it began, if known: found sooner; with or without end */
                start?: string | null;
            };
            header?: never;
            path: {
                trace_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TraceTree"];
                };
            };
        };
    };
    get_trace_logs: {
        parameters: {
            query?: {
                limit?: number;
                /** @description with span_id: also what its process logged so near to it */
                near_ms?: number;
                /** @description only lines of this span */
                span_id?: string | null;
            };
            header?: never;
            path: {
                trace_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TraceLogs"];
                };
            };
        };
    };
    search: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before, with the same filters */
                cursor?: string | null;
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                limit?: number;
                max_duration_ms?: number | null;
                min_duration_ms?: number | null;
                /** @description only spans of this name */
                operation?: string | null;
                /** @description only this service */
                service?: string | null;
                sort?: "newest" | "slowest";
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
                status?: ("ok" | "error") | null;
                /** @description key:value of an attribute; several have to fit together */
                tag?: string[] | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TracePage"];
                };
            };
        };
    };
    get_service_map: {
        parameters: {
            query?: {
                /** @description end of the range (exclusive), ms, seconds (below 10¹¹) or ISO 8601; default: now */
                end?: string | null;
                /** @description only this deployment environment */
                environment?: string | null;
                /** @description only this service */
                service?: string | null;
                /** @description begin of the range, ms, seconds (below 10¹¹) or ISO 8601; default: an hour before end */
                start?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceMap"];
                };
            };
        };
    };
    execute: {
        parameters: {
            query?: {
                /** @description default: what Accept prefers, json */
                format?: ("json" | "csv") | null;
            };
            header?: {
                /** @description no-cache: never a kept answer */
                "cache-control"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VqlQuery"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    /** @description of a CSV answer with more to come */
                    "X-Next-Cursor"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VqlResult"];
                };
            };
        };
    };
    explain_query: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VqlQuery"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VqlExplanation"];
                };
            };
        };
    };
}
