<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Core\Backend;
use OPNsense\Trust\Store;

/**
 * The agent's configuration as it would be: made beside the one in force, held against the agent's own rules,
 * and only then put in its place. A stop at any moment leaves the old one or the new one.
 */
class Staging
{
    public const FOLDER = '/usr/local/etc/hearth';
    public const FILE = self::FOLDER . '/hearth.toml';
    private const STAGING = self::FOLDER . '/staging';
    private const STAGED = self::STAGING . '/hearth.toml';

    /**
     * What the template engine makes, by its +TARGETS and its last line: it may be made anew at any time by whoever has
     * all templates made, so it is read and not moved.
     */
    private const BODY = self::STAGING . '/body.toml';
    private const END = "# The end: a file that lacks this line is not whole.\n";
    private const PREVIOUS = self::STAGING . '/previous.toml';
    private const AGENT = '/usr/local/sbin/hearth';

    /**
     * The agent's user: it reads its configuration again on a reload, when it is no longer root.
     */
    private const GROUP = 'hearth';

    /**
     * The first port that anybody may open.
     */
    private const UNPRIVILEGED = 1024;

    /**
     * @var bool the API's certificate is another one than before
     */
    private $renewed = false;

    public function __construct(private readonly Hearth $model, private readonly Addresses $addresses)
    {
    }

    /**
     * Makes the configuration anew.
     * @throws Refused
     */
    public function render()
    {
        $this->folders();
        $answer = trim((new Backend())->configdpRun('template reload', ['OPNsense/Hearth/Agent']));
        $body = $answer === 'OK' ? (string)@file_get_contents(self::BODY) : '';
        if (!str_ends_with($body, self::END)) {
            throw new Refused(
                gettext('The configuration could not be written. The log of the backend (System: Log Files) says why.'),
                $answer
            );
        }
        $this->write(self::STAGED, $this->head() . $body, 0600);
        $this->secrets();
        $this->certificate();
    }

    /**
     * @return string what the agent warns of
     * @throws Refused with the agent's text
     */
    public function check(): string
    {
        if (!is_executable(self::AGENT)) {
            throw new Refused(gettext('The agent is not installed. Install the package hearth.'));
        }
        $said = self::STAGING . '/check.txt';
        $code = mwexecfm(self::AGENT . ' --config %s check > %s', [self::STAGED, $said]);
        $text = str_replace(self::STAGING . '/', '', trim((string)@file_get_contents($said)));
        if ($code !== 0) {
            throw new Refused(gettext('The agent refuses this configuration. What was in force stays so.'), $text);
        }
        return trim(str_replace('configuration is valid', '', $text));
    }

    /**
     * @return bool something is not as it is in force
     */
    public function differs(): bool
    {
        if ($this->renewed || @file_get_contents(self::STAGED) !== @file_get_contents(self::FILE)) {
            return true;
        }
        foreach (glob(self::STAGING . '/secrets/*') as $file) {
            $live = self::FOLDER . '/secrets/' . basename($file);
            if (@file_get_contents($file) !== @file_get_contents($live)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Puts it in place. Secrets come first: a file that names them finds them.
     */
    public function place()
    {
        if (is_file(self::FILE)) {
            $this->write(self::PREVIOUS, file_get_contents(self::FILE), 0600);
        }
        $wanted = [];
        foreach (glob(self::STAGING . '/secrets/*') as $file) {
            $wanted[] = basename($file);
            $this->publish($file, self::FOLDER . '/secrets/' . basename($file));
        }
        $this->publish(self::STAGED, self::FILE);
        foreach (glob(self::FOLDER . '/secrets/*') as $file) {
            if (!in_array(basename($file), $wanted, true)) {
                unlink($file);
            }
        }
    }

    /**
     * Puts back what was there before, so that a start takes what runs now.
     */
    public function back()
    {
        if (is_file(self::PREVIOUS)) {
            $this->publish(self::PREVIOUS, self::FILE);
        }
    }

    /**
     * @return bool the change is one that a reload cannot take: no longer root, the agent opens no other port
     * below 1024, and the way that TFTP sends is chosen at its start
     */
    public function needsRestart(): bool
    {
        if (!is_file(self::FILE)) {
            return false;
        }
        $old = self::listens(self::FILE);
        $new = self::listens(self::STAGED);
        $more = array_diff($new['addresses'], $old['addresses']);
        foreach (['tftp', 'http'] as $kind) {
            if ($new[$kind] < self::UNPRIVILEGED && (!empty($more) || $new[$kind] !== $old[$kind])) {
                return true;
            }
        }
        return $new['single'] !== $old['single'];
    }

    /**
     * @return array where a configuration listens
     */
    private static function listens(string $file): array
    {
        $text = (string)file_get_contents($file);
        $value = function ($key, $default) use ($text) {
            $found = preg_match('/^' . preg_quote($key, '/') . ' = (.*)$/m', $text, $part);
            return $found ? json_decode($part[1], true) ?? $default : $default;
        };
        return [
            'addresses' => $value('server.addresses', []),
            'tftp' => $value('server.tftp_port', 69),
            'http' => $value('server.http_port', 8069),
            'single' => $value('single_port', false),
        ];
    }

    private function folders()
    {
        if (posix_getgrnam(self::GROUP) === false) {
            throw new Refused(gettext('There is no group hearth. Install the package hearth again.'));
        }
        foreach (['', '/secrets', '/tls', '/conf.d'] as $name) {
            $folder = self::FOLDER . $name;
            @mkdir($folder, 0750, true);
            chmod($folder, 0750);
            chgrp($folder, self::GROUP);
        }
        /* what the template engine writes takes its mode from the folder */
        @mkdir(self::STAGING, 0700, true);
        chmod(self::STAGING, 0700);
        /* relative names start from the file, and fragments are beside it */
        if (!is_link(self::STAGING . '/conf.d')) {
            symlink(self::FOLDER . '/conf.d', self::STAGING . '/conf.d');
        }
    }

    /**
     * @return string lines on the addresses of the chosen interfaces
     */
    private function head(): string
    {
        $list = fn($values) => '[' . implode(', ', array_map('json_encode', array_unique($values))) . ']';
        $interfaces = $this->model->general->interfaces->getValues();
        $found = $this->addresses->of($interfaces);
        $missing = array_keys(array_filter($found, fn($addresses) => empty($addresses)));
        if (count($missing) === count($found)) {
            throw new Refused(sprintf(
                gettext('No chosen interface (%s) has an address to serve on.'),
                implode(', ', array_map('strtoupper', $missing))
            ));
        }
        $lines = ['# DO NOT EDIT THIS FILE -- OPNsense auto-generated file'];
        $lines[] = 'server.addresses = ' . $list(array_merge(...array_values($found)));
        $interfaces = $this->model->api->interfaces->getValues();
        if (!empty($interfaces)) {
            $lines[] = 'api.addresses = ' . $list(array_merge(...array_values($this->addresses->of($interfaces))));
        }
        return implode("\n", $lines) . "\n";
    }

    private function secrets()
    {
        $folder = self::STAGING . '/secrets';
        @mkdir($folder, 0700);
        array_map('unlink', glob("{$folder}/*"));
        foreach ($this->model->variables->variable->iterateItems() as $uuid => $variable) {
            if ($variable->type->isEqual('secret') && preg_match('/^[0-9a-fA-F-]+$/D', $uuid)) {
                $this->write("{$folder}/{$uuid}", $variable->secret->getValue() . "\n", 0600);
            }
        }
    }

    /**
     * @return array the files of the API's certificate and their texts
     */
    private static function certificateFiles(Hearth $model): array
    {
        $reference = $model->api->certificate->getValue();
        $found = preg_match('/^[0-9a-zA-Z]+$/D', $reference) ? Store::getCertificate($reference) : false;
        if (empty($found['crt']) || empty($found['prv'])) {
            return [];
        }
        $name = self::FOLDER . "/tls/{$reference}";
        return [
            "{$name}.pem" => trim(trim($found['crt']) . "\n" . ($found['ca']['crt'] ?? '')) . "\n",
            "{$name}.key" => trim($found['prv']) . "\n",
        ];
    }

    /**
     * @return bool a renewed certificate waits to be put in place
     */
    public static function certificateDiffers(Hearth $model): bool
    {
        foreach (self::certificateFiles($model) as $name => $text) {
            if (@file_get_contents($name) !== $text) {
                return true;
            }
        }
        return false;
    }

    private function certificate()
    {
        if ($this->model->api->certificate->isSet() && empty(self::certificateFiles($this->model))) {
            throw new Refused(gettext('The certificate of the API is not in System: Trust. Choose another one in ' .
                'Settings; on the second node of a pair, have certificates synchronised too.'));
        }
        if (!self::certificateDiffers($this->model)) {
            return;
        }
        foreach (self::certificateFiles($this->model) as $name => $text) {
            $staged = self::STAGING . '/' . basename($name);
            $this->write($staged, $text, 0600);
            $this->publish($staged, $name);
        }
        $this->renewed = true;
    }

    /**
     * Writes a file whole.
     */
    private function write(string $name, string $text, int $mode)
    {
        $part = "{$name}.part";
        $file = fopen($part, 'w');
        if ($file === false || !chmod($part, $mode) || fwrite($file, $text) !== strlen($text) || !fsync($file)) {
            throw new Refused(sprintf(gettext('%s could not be written. Is the disk full?'), $part));
        }
        fclose($file);
        rename($part, $name);
    }

    /**
     * Moves a file to where the agent reads it: root writes it, the agent's group reads it.
     */
    private function publish(string $from, string $to)
    {
        $this->write($from, file_get_contents($from), 0600);
        chgrp($from, self::GROUP);
        chmod($from, 0640);
        if (!rename($from, $to)) {
            throw new Refused(sprintf(gettext('%s could not be written. Is the disk full?'), $to));
        }
    }
}
