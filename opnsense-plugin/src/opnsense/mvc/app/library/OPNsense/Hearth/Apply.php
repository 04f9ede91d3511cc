<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Core\Backend;
use OPNsense\Core\Config;
use OPNsense\Core\Shell;

/**
 * Brings what is declared into force: render, `hearth check`, put in place, reload. What the agent refuses
 * changes nothing.
 */
class Apply
{
    /**
     * Why what is declared is not in force, for the banner: nobody looks when the other node of a pair is told
     * to restart.
     */
    public const REFUSED = '/var/run/hearth.refused';
    /**
     * It is there while the agent is stopped because the other node of a pair serves.
     */
    public const STANDBY = '/var/run/hearth.standby';
    /**
     * What was declared when it came into force last, as a hash.
     */
    private const FORCED = '/var/run/hearth.forced';
    private const LOCK = '/var/run/hearth.apply.lock';
    private const RULES = '/var/run/hearth.rules';
    private const RC = '/usr/local/etc/rc.d/hearth';
    private const AGENT = '/usr/local/sbin/hearth';

    /**
     * How long a start or a reload may take, in seconds: a start with many machines reads them first.
     */
    private const PATIENCE = 30;

    private readonly Hearth $model;
    private readonly Addresses $addresses;
    private readonly Staging $staging;

    public function __construct()
    {
        $this->model = new Hearth();
        $this->addresses = new Addresses($this->model);
        $this->staging = new Staging($this->model, $this->addresses);
    }

    /**
     * Runs one of the ways below, one at a time.
     * @param string $way apply, event, restart, render or check
     * @return array to be printed as JSON
     */
    public static function run(string $way): array
    {
        /* e: what rc starts below does not keep the lock */
        $lock = fopen(self::LOCK, 'ce');
        $until = microtime(true) + 3 * self::PATIENCE;
        while (!flock($lock, LOCK_EX | LOCK_NB)) {
            if ($way === 'render') {
                /* rc renders before it starts the agent; the apply that starts it did so a moment ago */
                return ['status' => 'ok', 'changed' => false];
            } elseif (microtime(true) > $until) {
                return [
                    'status' => 'failed',
                    'message' => gettext('Another change is still being applied. Try again in a minute.'),
                    'details' => '',
                ];
            }
            usleep(100000);
        }
        try {
            $declared = self::declared();
            $answer = (new Apply())->$way();
            if ($way !== 'check') {
                @unlink(self::REFUSED);
                file_put_contents(self::FORCED, $declared);
                chmod(self::FORCED, 0644);
            }
            return $answer;
        } catch (Refused $refused) {
            if ($way !== 'check') {
                file_put_contents(self::REFUSED, $refused->getMessage());
                chmod(self::REFUSED, 0644);
            }
            syslog(LOG_ERR, 'hearth: not applied: ' . $refused->getMessage() . ' ' . $refused->details);
            return ['status' => 'failed', 'message' => $refused->getMessage(), 'details' => $refused->details];
        }
    }

    /**
     * @return bool something was saved that is not in force
     */
    public static function waits(): bool
    {
        return @file_get_contents(self::FORCED) !== self::declared();
    }

    private static function declared(): string
    {
        $section = Config::getInstance()->object()->OPNsense?->hearth;
        /* without when it was saved, and what the page DHCP applies by itself */
        $apart = ['/^<hearth[^>]*>/', '~<dhcp>.*?</dhcp>~s'];
        return hash('sha256', preg_replace($apart, '', (string)$section?->asXML()));
    }

    /**
     * A person asked for it.
     */
    private function apply(): array
    {
        try {
            return $this->force(true);
        } finally {
            $this->firewall();
        }
    }

    /**
     * Has the rules of hearth.inc made anew if they are others now: a reload of all rules takes seconds.
     */
    private function firewall()
    {
        $general = $this->model->general;
        $fields = ['enabled', 'firewall', 'source', 'interfaces', 'ipv6', 'tftp_port', 'http_port'];
        $values = array_map(fn($field) => $general->$field->getValue(), $fields);
        $values[] = $this->model->api->interfaces->getValue();
        $values[] = $this->model->api->port->getValue();
        $rules = implode(' ', $values);
        if (@file_get_contents(self::RULES) !== $rules) {
            (new Backend())->configdRun('filter reload skip_alias');
            file_put_contents(self::RULES, $rules);
        }
    }

    /**
     * An interface has other addresses, or CARP has another master.
     */
    private function event(): array
    {
        return $this->force(false);
    }

    /**
     * Before a start: the file on the disk may be older than config.xml, which can have been restored.
     */
    private function render(): array
    {
        if ($this->model->general->enabled->isEmpty()) {
            return ['status' => 'ok', 'changed' => false];
        }
        $this->staging->render();
        $this->staging->check();
        $changed = $this->staging->differs();
        $this->staging->place();
        return ['status' => 'ok', 'changed' => $changed];
    }

    /**
     * Whether it would be taken.
     */
    private function check(): array
    {
        $this->staging->render();
        return ['status' => 'ok', 'warnings' => $this->staging->check(), 'differs' => $this->staging->differs()];
    }

    /**
     * The services page, or the other node of a pair after it sent its configuration. What the agent refuses does
     * not keep it from starting with what it had.
     */
    private function restart(): array
    {
        $why = null;
        try {
            $this->render();
        } catch (Refused $refused) {
            if (!is_file(Staging::FILE)) {
                throw $refused;
            }
            $why = $refused;
        }
        $this->rcconf();
        $this->standby();
        $this->stop();
        if ($this->serves()) {
            $this->start();
        }
        if ($why !== null) {
            throw $why;
        }
        return ['status' => 'ok', 'running' => $this->serves()];
    }

    private function force(bool $always): array
    {
        if ($this->model->general->enabled->isEmpty()) {
            $this->rcconf();
            $this->standby();
            $this->stop();
            return ['status' => 'ok', 'running' => false, 'changed' => false, 'warnings' => ''];
        }
        $this->staging->render();
        $warnings = $this->staging->check();
        $changed = $this->staging->differs();
        $restart = $this->staging->needsRestart();
        $this->staging->place();
        $this->rcconf();
        $this->standby();
        if (!$this->serves()) {
            $this->stop();
        } elseif (!$this->running()) {
            $this->start();
        } elseif ($restart || $this->isOutdated()) {
            $this->stop();
            $this->start();
        } elseif ($always || $changed) {
            $this->reload();
        }
        return ['status' => 'ok', 'running' => $this->serves(), 'changed' => $changed, 'warnings' => $warnings];
    }

    /**
     * @return bool this node is to serve now
     */
    private function serves(): bool
    {
        $general = $this->model->general;
        return !$general->enabled->isEmpty() && ($general->serve->isEqual('always') || $this->addresses->master());
    }

    private function standby()
    {
        if ($this->model->general->enabled->isEmpty() || $this->serves()) {
            @unlink(self::STANDBY);
        } else {
            touch(self::STANDBY);
        }
    }

    private function rcconf()
    {
        (new Backend())->configdpRun('template reload', ['OPNsense/Hearth']);
    }

    private function rc(string $command): int
    {
        return mwexecfm(self::RC . ' %s', [$command]);
    }

    private function running(): bool
    {
        return $this->rc('onestatus') === 0;
    }

    /**
     * @return bool another version is installed than the one that runs: an upgrade leaves the old program be where
     * the new one refuses the old configuration, and the one that is put in place was checked by the new one
     */
    private function isOutdated(): bool
    {
        $running = $this->status()['version'] ?? null;
        $installed = trim(Shell::shell_safe(self::AGENT . ' --version 2> /dev/null'));
        return $running !== null && $installed !== '' && $installed !== "hearth {$running}";
    }

    private function stop()
    {
        if ($this->running()) {
            $this->rc('onestop');
        }
    }

    private function start()
    {
        $this->rc('onestart');
        if ($this->answer(fn($status) => true, fn() => $this->running()) === null) {
            throw new Refused(
                gettext('The agent does not start. Its log (Services: Network Boot: Log File) says why.'),
                $this->lastLines()
            );
        }
    }

    /**
     * @return string what the agent wrote last, without what syslog puts before it
     */
    private function lastLines(): string
    {
        $logs = glob('/var/log/hearth/hearth_*.log') ?: [];
        if (empty($logs)) {
            return '';
        }
        $lines = Shell::shell_safe('tail -n 8 %s', [end($logs)], true);
        /* it is started again and again, and says the same each time */
        return implode("\n", array_unique(preg_replace('/^<\d+>1 (\S+ ){5}(\[.*?\]|-) ?/', '', $lines)));
    }

    private function reload()
    {
        $before = $this->status();
        if ($this->rc('onereload') !== 0) {
            throw new Refused(gettext('The agent does not take this configuration.'), $this->lastLines());
        }
        $known = $before['configuration']['reloads'] ?? 0;
        $after = $this->answer(fn($status) => ($status['configuration']['reloads'] ?? 0) > $known);
        if ($after === null) {
            throw new Refused(gettext('The agent does not answer, so nobody knows whether it took the change.'));
        }
        $refused = $after['configuration']['refused'] ?? null;
        if (!empty($refused)) {
            $this->staging->back();
            throw new Refused(
                gettext('The agent refuses this configuration. What was in force stays so.'),
                (string)($refused['error'] ?? '')
            );
        }
    }

    /**
     * @return array|null what the agent says of itself
     */
    private function status(): ?array
    {
        $command = '/usr/bin/timeout 10 ' . self::AGENT . ' --config %s status --json 2> /dev/null';
        return json_decode(Shell::shell_safe($command, [Staging::FILE]), true);
    }

    /**
     * @param callable $is condition on a status
     * @param callable|null $may whether there is still hope
     * @return array|null the first status that meets it
     */
    private function answer(callable $is, ?callable $may = null): ?array
    {
        $until = microtime(true) + self::PATIENCE;
        do {
            $status = $this->status();
            if ($status !== null && $is($status)) {
                return $status;
            }
            usleep(200000);
        } while (microtime(true) < $until && ($may === null || $may()));
        return null;
    }
}
